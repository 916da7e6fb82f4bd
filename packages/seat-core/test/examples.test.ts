import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '@ticketing/testkit';
import { afterAll, expect, it } from 'vitest';
import { SeatCore } from '../src/seat-core.ts';

const packageFolder = join(repositoryRoot, 'packages', 'seat-core');
/** Below the package, so that its own name resolves as for a program that installed it. */
const folder = join(packageFolder, 'node_modules', '.cache', 'examples');
afterAll(() => rm(folder, { recursive: true, force: true }));

const sources = [
  'seat-core.ts',
  'errors.ts',
  'expiry/worker.ts',
  'postgres/pool.ts',
  'redis/connect.ts',
  'admin/migrate.ts',
];

/** What an example may use without declaring it. */
const preamble = `
import { anyone, openSeatCore, SeatCoreError, startExpiryWorker, type Booking, type SeatCore, type TicketedEvent } from '@ticketing/seat-core';
import { runMigrations } from '@ticketing/seat-core/admin';
import { openDatabase, openRedis } from '@ticketing/seat-core/clients';
declare const core: SeatCore;
declare const held: Booking;
declare const event: TicketedEvent;
declare const seatIds: string[];
declare const userId: string;
declare const orderId: string;
declare function offerOtherSeats(taken: readonly string[]): void;
void [anyone, openSeatCore, SeatCoreError, startExpiryWorker, runMigrations, openDatabase, openRedis];
void [core, held, event, seatIds, userId, orderId, offerOtherSeats];
`;

/** The code behind each `@example` of a source, up to the end of its comment. */
function examplesOf(source: string): string[] {
  return [...source.matchAll(/^( *)\* @example\n((?:\1\*(?!\/).*\n)+)/gm)].map(([, , lines]) =>
    lines!.replaceAll(/^ *\* ?/gm, ''),
  );
}

it('compiles the example of every verb, and no verb is without one', async () => {
  const texts = await Promise.all(sources.map((file) => readFile(join(packageFolder, 'src', file), 'utf8')));
  const examples = texts.flatMap(examplesOf);
  const verbs = Object.getOwnPropertyNames(SeatCore.prototype).filter((name) => name !== 'constructor');
  expect(verbs.filter((verb) => !examples.some((code) => code.includes(`core.${verb}(`)))).toEqual([]);

  await mkdir(folder, { recursive: true });
  const program = examples.map((code) => `await (async () => {\n${code}})();`).join('\n');
  await writeFile(join(folder, 'examples.ts'), preamble + program);
  const strict = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2023',
  ];
  const types = ['--typeRoots', join(repositoryRoot, 'node_modules', '@types'), '--types', 'node'];
  const tsc = join(repositoryRoot, 'node_modules', '.bin', 'tsc');
  const compiled = await promisify(execFile)(tsc, [...strict, ...types, 'examples.ts'], {
    cwd: folder,
  }).catch((error: { stdout: string }) => error);
  expect(compiled.stdout).toBe('');
}, 30_000);
