import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { adoptProcess, stopProcess, waitFor } from '@ticketing/testkit';
import { keepRunning, type RunningPart } from '../src/supervisor/keep-running.ts';

async function startSleeper(pids: number[]): Promise<RunningPart> {
  const sleeper = await adoptProcess(spawn('sleep', ['600']), 'SIGKILL');
  pids.push(sleeper.pid);
  return { process: sleeper, stop: () => stopProcess(sleeper, [['SIGTERM', 5_000]]) };
}

describe('a part that is kept running', () => {
  it('is started again when it dies, at once and then with growing pauses, and said so', async () => {
    const pids: number[] = [];
    const said: string[] = [];
    const part = await keepRunning({
      name: 'api',
      start: () => startSleeper(pids),
      say: (line) => said.push(line),
    });
    for (const nth of [1, 2]) {
      process.kill(pids.at(-1) ?? 0, 'SIGKILL');
      await waitFor(() => said.length === 2 * nth, { description: `restart ${nth}` });
    }
    expect(said).toEqual([
      'api was killed by SIGKILL; starting it again',
      'api is ready again',
      'api was killed by SIGKILL; starting it again in 0.5 s',
      'api is ready again',
    ]);
    await part.stop();
    expect(() => process.kill(pids.at(-1) ?? 0, 0)).toThrow('ESRCH');
    expect(pids).toHaveLength(3);
  });

  it('is not tried for ever if it never served', async () => {
    const start = (): Promise<never> => Promise.reject(new Error('bad configuration'));
    await expect(keepRunning({ name: 'api', start, say: () => undefined })).rejects.toThrow(
      'bad configuration',
    );
  });

  it('is tried again when it served once and cannot start now', async () => {
    const pids: number[] = [];
    const said: string[] = [];
    let attempts = 0;
    const start = (): Promise<RunningPart> => {
      attempts += 1;
      return attempts === 2 ? Promise.reject(new Error('no database')) : startSleeper(pids);
    };
    const part = await keepRunning({ name: 'api', start, say: (line) => said.push(line) });
    process.kill(pids[0] ?? 0, 'SIGKILL');
    await waitFor(() => said.includes('api is ready again'), { description: 'the second restart' });
    expect(said[1]).toBe('api did not start (no database); starting it again in 0.5 s');
    await part.stop();
  });

  it('can be stopped while it waits to be started again', async () => {
    const pids: number[] = [];
    const said: string[] = [];
    let mayStart = true;
    const start = (): Promise<RunningPart> =>
      mayStart ? startSleeper(pids) : Promise.reject(new Error('no database'));
    const part = await keepRunning({ name: 'api', start, say: (line) => said.push(line) });
    mayStart = false;
    process.kill(pids[0] ?? 0, 'SIGKILL');
    await waitFor(() => said.length === 2, { description: 'the pause before the next try' });
    await part.stop();
    expect(pids).toHaveLength(1);
  });
});
