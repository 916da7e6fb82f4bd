import { afterEach, describe, expect, it, vi } from 'vitest';
import { atOnce, waitFor, withinDeadline } from '@ticketing/testkit';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('waitFor', () => {
  it('returns the first truthy value, whatever was thrown before', async () => {
    let asked = 0;
    const condition = (): string | undefined => {
      asked += 1;
      if (asked === 1) throw new Error('too early');
      return asked === 3 ? 'here' : undefined;
    };
    expect(await waitFor(condition, { description: 'it', intervalMs: 1 })).toBe('here');
  });

  it('says at the end what it waited for and what it saw last', async () => {
    vi.stubEnv('DEADLINE_FACTOR', '1');
    const options = { description: 'the seat to be free', timeoutMs: 10, intervalMs: 1 };
    await expect(waitFor(() => 0, options)).rejects.toThrow(
      'Waited 10 ms for the seat to be free; at the end it was 0.',
    );
    const failing = waitFor(() => Promise.reject(new Error('gone')), options);
    await expect(failing).rejects.toThrow('at the end it threw Error: gone');
    await expect(failing).rejects.toHaveProperty('cause.message', 'gone');
  });
});

describe('withinDeadline', () => {
  it('passes on the result, and prints what it measured', async () => {
    vi.stubEnv('DEADLINE_FACTOR', '2');
    const print = vi.spyOn(console, 'log').mockReturnValue();
    expect(await withinDeadline('a hold', 500, () => Promise.resolve(7))).toBe(7);
    expect(print.mock.lastCall?.[0]).toMatch(/^a hold: \d+\.\d ms of 1000 ms$/);
  });

  it('fails what takes longer', async () => {
    vi.stubEnv('DEADLINE_FACTOR', '1');
    vi.spyOn(console, 'log').mockReturnValue();
    await expect(withinDeadline('a hold', 10, () => new Promise(() => undefined))).rejects.toThrow(
      'a hold: not done after 10 ms.',
    );
  });

  it('refuses a factor that would make every deadline pass or fail', async () => {
    vi.stubEnv('DEADLINE_FACTOR', '0');
    await expect(withinDeadline('a hold', 10, () => Promise.resolve())).rejects.toThrow('DEADLINE_FACTOR');
  });
});

describe('atOnce', () => {
  it('lets nobody begin before everybody is there, and says what became of each', async () => {
    const log: string[] = [];
    const results = await atOnce(3, async (index) => {
      log.push(`begin ${index}`);
      await Promise.resolve();
      log.push(`end ${index}`);
      if (index === 1) throw new Error('lost');
      return index;
    });
    expect(log.slice(0, 3)).toEqual(['begin 0', 'begin 1', 'begin 2']);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});
