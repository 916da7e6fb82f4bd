import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { libraryFolders } from '../debian/library-folders.ts';
import { unpackPackages } from '../debian/unpack-packages.ts';
import { redisVersion, type RedisBinary } from './redis-binary.ts';

/** Redis from Debian's packages, unpacked into the cache. */
export function unpackRedis(
  onProgress: ((message: string) => void) | undefined,
  refused: readonly string[],
): Promise<RedisBinary> {
  const program = 'usr/bin/redis-server';
  return unpackPackages({
    name: 'Redis',
    packages: ['redis-server'],
    open: openRedisFolder,
    advice: [
      'Install Redis 7 or newer (on Debian: apt-get install redis-server) or set REDIS_URL.',
      ...refused,
    ],
    program,
    onProgress,
  });

  async function openRedisFolder(folder: string): Promise<RedisBinary | undefined> {
    const path = join(folder, program);
    if (!existsSync(path)) return undefined;
    const libraries = await libraryFolders(folder);
    const version = await redisVersion(path, libraries);
    return version === undefined ? undefined : { program: path, libraries, version };
  }
}
