import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, processIdentity } from '../../../testkit/plain/process-identity.mjs';
import { takeProcessLock } from '../bootstrap/process-lock.mjs';

let folder: string;
let lockFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'process-lock-'));
  lockFile = join(folder, 'lock');
});

afterEach(() => rm(folder, { recursive: true }));

describe('a process lock', () => {
  it('is held by one process, which is named to the others', () => {
    const lock = takeProcessLock(lockFile);
    expect(lock.heldBy).toBeUndefined();
    expect(takeProcessLock(lockFile).heldBy).toBe(process.pid);
    lock.release();
    expect(existsSync(lockFile)).toBe(false);
  });

  it('is free again when its holder has died, also if another program has the number now', async () => {
    await writeFile(lockFile, `${process.ppid}-1`);
    expect(takeProcessLock(lockFile).heldBy).toBeUndefined();
    expect(await readFile(lockFile, 'utf8')).toBe(processIdentity(process.pid));
  });

  it('is free if its file says nothing', async () => {
    await writeFile(lockFile, '');
    expect(takeProcessLock(lockFile).heldBy).toBeUndefined();
  });

  it('is not taken away by who does not hold it', async () => {
    await writeFile(lockFile, processIdentity(process.ppid) ?? '');
    const lock = takeProcessLock(lockFile);
    expect(lock.heldBy).toBe(process.ppid);
    lock.release();
    expect(existsSync(lockFile)).toBe(true);
  });

  it('lets one process in at a time, from a dead holder on, and leaves nothing behind', async () => {
    await writeFile(lockFile, '1-1');
    const script = `
      import { closeSync, openSync, rmSync } from 'node:fs';
      import { takeProcessLock } from ${JSON.stringify(join(import.meta.dirname, '../bootstrap/process-lock.mjs'))};
      for (let entries = 0; entries < 25; ) {
        const lock = takeProcessLock(${JSON.stringify(lockFile)});
        if (lock.heldBy !== undefined) continue;
        closeSync(openSync(${JSON.stringify(join(folder, 'inside'))}, 'wx'));
        rmSync(${JSON.stringify(join(folder, 'inside'))});
        lock.release();
        entries += 1;
      }`;
    const run = promisify(execFile);
    await Promise.all(
      Array.from({ length: 4 }, () => run(process.execPath, ['--input-type=module', '--eval', script])),
    );
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('the identity of a process', () => {
  it('tells a living process from one that has ended', () => {
    expect(isAlive(processIdentity(process.pid) ?? '')).toBe(true);
    expect(isAlive(`${process.pid}-1`)).toBe(false);
    expect(isAlive('nonsense')).toBe(false);
    expect(processIdentity(2 ** 22 + 1)).toBeUndefined();
  });
});
