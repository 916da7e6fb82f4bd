import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { repositoryRoot } from '../folders.ts';
import type { ProcessEntry } from '../processes/process-table.ts';
import { serverCommand } from '../processes/server-command.ts';
import { StackError } from '../stack-error.ts';
import type { ServiceName } from './service-name.ts';

/**
 * On a large machine V8 lets garbage grow to three times what is in use; the smaller the heap may be, the earlier it
 * collects. Left alone it would take half of a container.
 */
export const serviceHeapMb = 384;

/** As in the image. */
export const serviceNodeFlags = [`--max-old-space-size=${serviceHeapMb}`] as const;

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
  return serverCommand([process.execPath, ...serviceNodeFlags, ...nodeFlags, entry, markerOf(folder)], {
    account: undefined,
    reaches: [],
    parentDeathSignal,
  });
}

export function isServiceOf(folder: string, { argv }: ProcessEntry): boolean {
  return basename(argv.at(-2) ?? '') === 'server.js' && argv.at(-1) === markerOf(folder);
}

/** The service that a process found by `isServiceOf` is. */
export function serviceNameOf({ argv }: ProcessEntry): string {
  return basename(join(argv.at(-2) ?? '', '../..'));
}

function markerOf(folder: string): string {
  return `--stack=${folder}`;
}
