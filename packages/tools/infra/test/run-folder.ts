import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';

let folders = 0;

/** A folder of its own in that of the run, gone afterwards. */
export async function makeRunFolder(name: string): Promise<string> {
  folders += 1;
  const folder = join(inject('ticketingTestServers').folder, `${name}-${process.pid}-${folders}`);
  await mkdir(folder, { recursive: true });
  return folder;
}
