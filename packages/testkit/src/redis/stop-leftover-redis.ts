import { basename, join } from 'node:path';
import { stopLeftovers } from '../processes/stop-leftovers.ts';

/** Stops a Redis that still runs on this folder: two of them would write one append-only file. */
export async function stopLeftoverRedis(
  folder: string,
  onProgress?: (message: string) => void,
): Promise<void> {
  const configFile = join(folder, 'redis.conf');
  const isOurs = ({ argv }: { readonly argv: readonly string[] }): boolean =>
    /^(redis|valkey)-/.test(basename(argv[0] ?? '')) && argv[1] === configFile;
  await stopLeftovers(
    {
      nameOf: () => 'Redis',
      isOurs,
      plan: [
        ['SIGTERM', 10_000],
        ['SIGKILL', 5_000],
      ],
    },
    onProgress,
  );
}
