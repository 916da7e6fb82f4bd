import { randomUUID } from 'node:crypto';
import { claimsOf, createPrivateStack, expectProblem, signToken, waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiOn, openTestApi, type EdgeSettings, type TestApi } from '../fixtures/test-api.ts';

const secret = 'a secret of more than thirty-two bytes';
const edge: EdgeSettings = { authentication: { kind: 'secret', secret }, limit: 5 };
const as = (userId: string) => ({
  authorization: `Bearer ${signToken(claimsOf(userId), { key: secret })}`,
});
const release = (api: TestApi, userId: string) =>
  api.call('DELETE', `/api/v1/booking/${randomUUID()}`, undefined, as(userId));

describe('two processes', () => {
  let apis: TestApi[];
  beforeAll(async () => {
    const first = await openTestApi({}, edge);
    apis = [first, await openApiOn(first.stack, {}, edge)];
  });
  afterAll(async () => {
    for (const api of apis.toReversed()) await api[Symbol.asyncDispose]();
  });

  it('two processes count the requests of a user together, until the window ends', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) statuses.push((await release(apis[n % 2]!, 'ani')).status);
    expect(statuses).toEqual([...Array<number>(5).fill(404), ...Array<number>(7).fill(429)]);
    const refused = await release(apis[0]!, 'ani');
    expectProblem(refused, { status: 429, code: 'RATE_LIMITED', retryable: true });
    const ttl = await apis[0]!.redis.pttl('limit:user:ani');
    expect(ttl).toBeGreaterThan(0);
    expect(Number(refused.headers.get('retry-after'))).toBe(Math.ceil(ttl / 1000));
    await apis[0]!.redis.pexpire('limit:user:ani', 1);
    await waitFor(async () => (await apis[0]!.redis.exists('limit:user:ani')) === 0, {
      description: 'the window to end',
    });
    expect((await release(apis[1]!, 'ani')).status).toBe(404);
  });

  it('a user beyond the rate limit can go on reading events', async () => {
    for (let n = 0; n < 6; n += 1) await release(apis[0]!, 'budi');
    expect((await release(apis[0]!, 'budi')).status).toBe(429);
    expect((await apis[0]!.call('GET', '/api/v1/events')).status).toBe(200);
  });
});

it.each(['freeze', 'kill'] as const)(
  'the rate limit holds, without delay, while Redis is down by %s',
  async (fault) => {
    await using stack = await createPrivateStack();
    const api = await openApiOn({ ...stack, serviceUrl: stack.databaseUrl }, {}, edge);
    try {
      await stack.redis[fault]();
      const statuses: number[] = [];
      const startedAt = performance.now();
      for (let n = 0; n < 10; n += 1) statuses.push((await release(api, 'ani')).status);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      expect(statuses).toEqual([...Array<number>(5).fill(404), ...Array<number>(5).fill(429)]);
    } finally {
      if (fault === 'freeze') await stack.redis.thaw();
      await api[Symbol.asyncDispose]();
    }
  },
);
