import {
  createTestStack,
  makeEvent,
  serviceVariables,
  startService,
  type TestStack,
} from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

let stack: TestStack;
let env: Record<string, string>;

beforeAll(async () => {
  stack = await createTestStack();
  env = { DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl };
});

afterAll(() => stack.dispose());

describe('startService', () => {
  it.each(['booking-api', 'payment-api', 'expiry-worker'] as const)(
    'runs a real %s, without the settings of the tests, and stops it',
    async (name) => {
      expect(serviceVariables()).toEqual(
        expect.arrayContaining(['ALLOWED_ORIGINS', 'LIVE_SOCKETS_MAX', 'LIVE_SOCKETS_PER_ADDRESS']),
      );
      for (const variable of serviceVariables()) vi.stubEnv(variable, 'no valid value');
      const service = await startService(name, env);
      const response = await fetch(`${service.url}/health/ready`);
      expect(await response.json()).toMatchObject({ status: 'ready' });
      expect(service.logRecords()).not.toEqual([]);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    },
  );

  it('runs two services of a kind, and kills one', async () => {
    await using first = await startService('payment-api', env);
    await using second = await startService('payment-api', env);
    expect(await first.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    expect((await fetch(`${second.url}/health/live`)).status).toBe(200);
  });

  it('shows the output of a service that cannot start', async () => {
    await expect(startService('booking-api', { ...env, HOLD_SECONDS: '0' })).rejects.toThrow(
      /booking-api ended with exit code 1 before it was ready\. Its output:\n.*HOLD_SECONDS/s,
    );
  });
});

it('makeEvent makes an event over HTTP, and lists its seats in the order of the map', async () => {
  await using api = await startService('booking-api', env);
  const { eventId, seatIds } = await makeEvent(api, { seats: 5, seatsPerRow: 2 });
  const response = await fetch(`${api.url}/api/v1/events/${eventId}/seats`);
  const { seats } = (await response.json()) as { seats: { id: string; row: string; number: number }[] };
  expect(seats.map(({ id }) => id)).toEqual(seatIds);
  expect(seats.map(({ row, number }) => `${row}/${number}`)).toEqual([
    'R1/1',
    'R1/2',
    'R2/1',
    'R2/2',
    'R3/1',
  ]);
});
