import { createTestStack, startService, type TestStack } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let stack: TestStack;
let env: Record<string, string>;

beforeAll(async () => {
  stack = await createTestStack();
  env = { DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl };
});

afterAll(() => stack.dispose());

describe('a service started by a test', () => {
  it.each(['booking-api', 'payment-api', 'expiry-worker'] as const)(
    'is a real %s, and ends when asked',
    async (name) => {
      const service = await startService(name, env);
      const response = await fetch(`${service.url}/health/ready`);
      expect(await response.json()).toMatchObject({ status: 'ready' });
      expect(service.logRecords()).not.toEqual([]);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    },
  );

  it('can be killed, and two of a kind run side by side', async () => {
    await using first = await startService('payment-api', env);
    await using second = await startService('payment-api', env);
    expect(await first.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    expect((await fetch(`${second.url}/health/live`)).status).toBe(200);
  });

  it('says what it said when it cannot start', async () => {
    await expect(startService('booking-api', { ...env, HOLD_SECONDS: '0' })).rejects.toThrow(
      /booking-api ended with exit code 1 while starting\. Its output:\n.*HOLD_SECONDS/s,
    );
  });
});
