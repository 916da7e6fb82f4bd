import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { libraryFolders, unpackPackages } from '../debian/unpack-packages.ts';
import { serverEnvironment } from '../neutral-environment.ts';
import { findExecutable } from '../processes/find-executable.ts';
import { runCommand } from '../processes/run-command.ts';

export interface RedisBinary {
  readonly program: string;
  readonly version: string;
  /** What the program needs beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
}

const oldestMajor = 7;

/** Redis or Valkey of this machine if it is new enough, else Debian's packages, unpacked into the cache. */
export async function findRedis(onProgress?: (message: string) => void): Promise<RedisBinary> {
  const refused: string[] = [];
  for (const name of ['redis-server', 'valkey-server']) {
    const program = findExecutable(name);
    if (program === undefined) continue;
    const version = await versionOf(program, {});
    if (Number.parseInt(version ?? '', 10) >= oldestMajor)
      return { program, version: version ?? '', env: {} };
    refused.push(`${program} is version ${version ?? 'unknown'}, older than ${oldestMajor}`);
  }
  const path = 'usr/bin/redis-server';
  return unpackPackages({
    name: 'Redis',
    packages: ['redis-server'],
    program: path,
    advice: [
      'Install Redis 7 or newer (on Debian: apt-get install redis-server) or set REDIS_URL.',
      ...refused,
    ],
    onProgress,
    open: async (folder) => {
      const program = join(folder, path);
      if (!existsSync(program)) return undefined;
      const env = { LD_LIBRARY_PATH: await libraryFolders(folder) };
      const version = await versionOf(program, env);
      return version === undefined ? undefined : { program, version, env };
    },
  });
}

/** "Redis server v=7.0.15 sha=…", "Valkey server v=8.0.1 …"; undefined if the program does not run. */
async function versionOf(program: string, env: RedisBinary['env']): Promise<string | undefined> {
  const { code, output } = await runCommand([program, '--version'], {
    env: { ...serverEnvironment(), ...env },
    timeoutMs: 20_000,
  });
  return code === 0 ? /\bv=(?<version>[\d.]+)/.exec(output)?.groups?.['version'] : undefined;
}
