import { execFile } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import { repositoryRoot, type PrivateStack } from '@ticketing/testkit';
import type { BenchReport } from './bench-report.ts';

type RunDescription = Pick<BenchReport, 'measuredAt' | 'commit' | 'machine' | 'versions'>;

/** When, where and of what a run is. */
export async function describeRun(stack: PrivateStack): Promise<RunDescription> {
  const processors = cpus();
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return {
    measuredAt: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: await commitOf(),
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}, ${gibibytes} GiB, ${type()} ${release()}`,
    versions: {
      node: process.versions.node,
      postgresql: stack.postgres.version,
      redis: stack.redis.version,
    },
  };
}

async function commitOf(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: repositoryRoot,
    });
    return stdout.trim();
  } catch {
    // No clone, or no git: the date says enough.
    return null;
  }
}
