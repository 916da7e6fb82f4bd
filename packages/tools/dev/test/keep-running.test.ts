import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeEach, expect, it } from 'vitest';
import { adoptProcess, waitFor } from '@ticketing/testkit';
import { keepRunning, type Started } from '../src/supervisor/keep-running.ts';

let pids: number[];
let said: string[];

beforeEach(() => {
  pids = [];
  said = [];
});

async function startSleeper(): Promise<Started> {
  const sleeper = await adoptProcess(spawn('sleep', ['600']), [['SIGKILL', 5_000]]);
  pids.push(sleeper.pid);
  return { process: sleeper, stop: sleeper.stop };
}

const keep = (start: (stopping: AbortSignal) => Promise<Started>) =>
  keepRunning({ name: 'api', start, say: (line) => said.push(line) });
const killLast = () => process.kill(pids.at(-1) ?? 0, 'SIGKILL');
const untilSaid = (lines: number) => waitFor(() => said.length === lines, { description: `line ${lines}` });

it('keepRunning restarts a dead process at once and then with growing pauses, and reports it', async () => {
  const kept = keep(startSleeper);
  await kept.first;
  for (const nth of [1, 2]) {
    killLast();
    await untilSaid(2 * nth);
  }
  expect(said).toEqual([
    'api was killed by SIGKILL; starting it again',
    'api is ready again',
    'api was killed by SIGKILL; starting it again in 0.5 s',
    'api is ready again',
  ]);
  await kept.stop();
  expect(() => process.kill(pids.at(-1) ?? 0, 0)).toThrow('ESRCH');
  expect(pids).toHaveLength(3);
});

it('keepRunning does not repeat a failed first start', async () => {
  const kept = keep(() => Promise.reject(new Error('bad configuration')));
  await expect(kept.first).rejects.toThrow('bad configuration');
  await kept.stop();
  expect(said).toEqual([]);
});

it('keepRunning repeats a failed restart', async () => {
  let attempts = 0;
  const kept = keep(() => {
    attempts += 1;
    return attempts === 2 ? Promise.reject(new Error('no database')) : startSleeper();
  });
  await kept.first;
  killLast();
  await untilSaid(3);
  expect(said[1]).toBe('api did not start (no database); starting it again in 0.5 s');
  expect(said[2]).toBe('api is ready again');
  await kept.stop();
});

it('keepRunning can be stopped during the pause before a restart', async () => {
  let mayStart = true;
  const kept = keep(() => (mayStart ? startSleeper() : Promise.reject(new Error('no database'))));
  await kept.first;
  mayStart = false;
  killLast();
  await untilSaid(2);
  await kept.stop();
  expect(pids).toHaveLength(1);
});

it('keepRunning can be stopped during the first start', async () => {
  const kept = keep(async (stopping) => {
    await once(stopping, 'abort');
    throw new Error('stopped');
  });
  await Promise.all([kept.stop(), expect(kept.first).rejects.toThrow('stopped')]);
  expect(said).toEqual([]);
});
