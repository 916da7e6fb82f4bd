import { findExecutable, searchPath } from '../processes/find-executable.ts';
import { redisVersion, type RedisBinary } from './redis-binary.ts';
import { unpackRedis } from './unpack-redis.ts';

export interface FindRedisOptions {
  readonly onProgress?: ((message: string) => void) | undefined;
  /** Folders to look in before Debian's packages are unpacked. */
  readonly folders?: readonly string[];
}

const oldestMajor = 7;

/** Redis or Valkey of this machine if new enough, else Debian's packages, unpacked into the cache. */
export async function findRedis(options: FindRedisOptions = {}): Promise<RedisBinary> {
  const refused: string[] = [];
  for (const name of ['redis-server', 'valkey-server']) {
    const program = findExecutable(name, options.folders ?? searchPath());
    if (program === undefined) continue;
    const version = await redisVersion(program, undefined);
    if (version !== undefined && Number.parseInt(version, 10) >= oldestMajor) {
      return { program, libraries: undefined, version };
    }
    refused.push(`${program} is version ${version ?? 'unknown'}, older than ${oldestMajor}`);
  }
  return unpackRedis(options.onProgress, refused);
}
