import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '@ticketing/testkit';
import { inject } from 'vitest';

let folders = 0;

/** Makes a new folder inside the folder of the test run, which is removed at its end. */
export async function makeRunFolder(name: string): Promise<string> {
  folders += 1;
  const folder = join(inject('ticketingTestServers').folder, `${name}-${process.pid}-${folders}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Copies the migrations of this build, and adds these after them. @returns the folder of the copy */
export async function migrationsWith(next: readonly string[]): Promise<string> {
  const folder = join(await makeRunFolder('migrations'), 'migrations');
  await cp(join(repositoryRoot, 'packages/seat-core/migrations'), folder, { recursive: true });
  const path = join(folder, 'meta/_journal.json');
  const journal = JSON.parse(await readFile(path, 'utf8')) as { entries: { tag: string; when: number }[] };
  const { when } = journal.entries.at(-1)!;
  for (const [i, sql] of next.entries()) {
    journal.entries.push({ tag: `next_${i}`, when: when + 1 + i });
    await writeFile(join(folder, `next_${i}.sql`), sql);
  }
  await writeFile(path, JSON.stringify(journal));
  return folder;
}
