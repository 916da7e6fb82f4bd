import { expect, it, vi } from 'vitest';
import { atOnce, waitFor, withinDeadline } from '@ticketing/testkit';

const never = (): Promise<void> => new Promise(() => undefined);

it('waitFor returns the first truthy value, even after errors', async () => {
  const condition = vi.fn<() => string | undefined>();
  condition.mockImplementationOnce(() => {
    throw new Error('too early');
  });
  condition.mockReturnValueOnce(undefined).mockReturnValueOnce('here');
  expect(await waitFor(condition, { description: 'it', intervalMs: 1 })).toBe('here');
});

it('waitFor fails with what it waited for and what it saw last', async () => {
  vi.stubEnv('DEADLINE_FACTOR', '1');
  const options = { description: 'the seat to be free', timeoutMs: 10, intervalMs: 1 };
  await expect(waitFor(() => 0, options)).rejects.toThrow(
    'Waited 10 ms for the seat to be free; at the end it was 0.',
  );
  const failing = waitFor(() => Promise.reject(new Error('gone')), options);
  await expect(failing).rejects.toThrow('at the end it threw Error: gone');
  await expect(failing).rejects.toHaveProperty('cause.message', 'gone');
});

it('withinDeadline returns the result, and prints the measured time', async () => {
  vi.stubEnv('DEADLINE_FACTOR', '2');
  const print = vi.spyOn(console, 'log').mockReturnValue();
  expect(await withinDeadline('a hold', 500, () => Promise.resolve(7))).toBe(7);
  expect(print.mock.lastCall?.[0]).toMatch(/^a hold: \d+\.\d ms of 1000 ms$/);
});

it('withinDeadline fails when the work takes longer, and refuses a DEADLINE_FACTOR below 1', async () => {
  vi.spyOn(console, 'log').mockReturnValue();
  vi.stubEnv('DEADLINE_FACTOR', '1');
  await expect(withinDeadline('a hold', 10, never)).rejects.toThrow('a hold: not done after 10 ms.');
  vi.stubEnv('DEADLINE_FACTOR', '0');
  await expect(withinDeadline('a hold', 10, never)).rejects.toThrow('DEADLINE_FACTOR');
});

it('atOnce begins every caller before the first one goes on, and never rejects', async () => {
  const log: string[] = [];
  const results = await atOnce(3, async (index) => {
    log.push(`begin ${index}`);
    await Promise.resolve();
    log.push(`end ${index}`);
    if (index === 1) throw new Error('lost');
  });
  expect(log.slice(0, 3)).toEqual(['begin 0', 'begin 1', 'begin 2']);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});
