import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { repositoryRoot } from '../folders.ts';
import type { ProcessEntry } from '../processes/process-table.ts';
import { serverCommand } from '../processes/server-command.ts';
import { StackError } from '../stack-error.ts';
import type { ServiceName } from './service-name.ts';

/**
 * The built service as a command. The services take no arguments; the one given here makes their processes
 * known as belonging to a folder, whatever becomes of those who started them.
 */
export function serviceCommand(
  name: ServiceName,
  folder: string,
  parentDeathSignal: 'SIGTERM' | 'SIGKILL',
  nodeFlags: readonly string[] = [],
): string[] {
  const entry = join(repositoryRoot, 'apps', name, 'dist', 'server.js');
  if (!existsSync(entry)) throw new StackError(`${name} is not built; run "npm run build".`);
  return serverCommand([process.execPath, ...nodeFlags, entry, markerOf(folder)], {
    account: undefined,
    reaches: [],
    parentDeathSignal,
  });
}

export function isServiceOf(folder: string, { argv }: ProcessEntry): boolean {
  return basename(argv[1] ?? '') === 'server.js' && argv[2] === markerOf(folder);
}

/** The service that a process found by `isServiceOf` is. */
export function serviceNameOf({ argv }: ProcessEntry): string {
  return basename(join(argv[1] ?? '', '../..'));
}

function markerOf(folder: string): string {
  return `--stack=${folder}`;
}
