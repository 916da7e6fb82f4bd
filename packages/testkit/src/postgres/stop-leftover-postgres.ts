import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ProcessEntry } from '../processes/process-table.ts';
import { listProcesses } from '../processes/process-table.ts';
import { stopLeftovers } from '../processes/stop-leftovers.ts';

/** Stops a PostgreSQL that still runs on this folder, and removes a pid file that would keep the next from starting. */
export async function stopLeftoverPostgres(
  folder: string,
  onProgress?: (message: string) => void,
): Promise<void> {
  const data = join(folder, 'data');
  const isOurs = ({ argv }: ProcessEntry): boolean =>
    basename(argv[0] ?? '') === 'postgres' && argv[argv.indexOf('-D') + 1] === data;
  await stopLeftovers(
    {
      nameOf: () => 'PostgreSQL',
      isOurs,
      plan: [
        ['SIGINT', 10_000],
        ['SIGQUIT', 5_000],
        ['SIGKILL', 5_000],
      ],
    },
    onProgress,
  );
  // PostgreSQL sees by itself that the process of a pid file is dead, but not that another program has
  // that number now: then it would refuse to start.
  const pidFile = join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number.parseInt(await readFile(pidFile, 'utf8'), 10);
  if ((await listProcesses()).some((entry) => entry.pid === pid)) await rm(pidFile, { force: true });
}
