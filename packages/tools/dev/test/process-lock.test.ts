import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '@ticketing/testkit';
import { takeProcessLock } from '../bootstrap/process-lock.mjs';

let folder: string;
let lockFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'process-lock-'));
  lockFile = join(folder, 'lock');
});

afterEach(() => rm(folder, { recursive: true }));

it('a process lock has one holder, whose process it names, until it is released', () => {
  const lock = takeProcessLock(lockFile);
  expect(lock.heldBy).toBeUndefined();
  const other = takeProcessLock(lockFile);
  expect(other.heldBy).toBe(process.pid);
  other.release();
  expect(takeProcessLock(lockFile).heldBy).toBe(process.pid);
  lock.release();
  expect(takeProcessLock(lockFile).heldBy).toBeUndefined();
});

it('a process lock is free again when its holder was killed', async () => {
  const module = JSON.stringify(join(import.meta.dirname, '../bootstrap/process-lock.mjs'));
  const script = `import { takeProcessLock } from ${module};
    while (takeProcessLock(${JSON.stringify(lockFile)}).heldBy !== undefined);
    setInterval(() => undefined, 1_000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', script]);
  await waitFor(
    () => {
      const lock = takeProcessLock(lockFile);
      lock.release();
      return lock.heldBy === holder.pid;
    },
    { description: 'the holder to have the lock' },
  );
  const gone = new Promise((resolve) => holder.once('close', resolve));
  holder.kill('SIGKILL');
  await gone;
  expect(takeProcessLock(lockFile).heldBy).toBeUndefined();
});
