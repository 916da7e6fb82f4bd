import { randomUUID } from 'node:crypto';
import { claimsOf, createTestStack, expectProblem, signToken, startService } from '@ticketing/testkit';
import { openRedis } from '@ticketing/seat-core/clients';
import { expect, it } from 'vitest';

const secret = 'a secret of at least thirty-two bytes';

it('a process of payment-api heeds RATE_LIMIT_STAFF_MAX, JWT_ROLES_CLAIM and REDIS_KEY_PREFIX', async () => {
  await using stack = await createTestStack();
  await using service = await startService('payment-api', {
    DATABASE_URL: stack.serviceUrl,
    REDIS_URL: stack.redisUrl,
    JWT_SECRET: secret,
    JWT_ROLES_CLAIM: 'realm_access.roles',
    RATE_LIMIT_MAX: '2',
    RATE_LIMIT_STAFF_MAX: '50',
    RATE_LIMIT_WINDOW_SECONDS: '600',
    REDIS_KEY_PREFIX: 'staging:',
  });
  const confirm = async (user: string, ...roles: string[]) => {
    const token = signToken({ ...claimsOf(user), realm_access: { roles } }, { key: secret });
    const response = await fetch(`${service.url}/api/v1/payment/${randomUUID()}/confirm`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    const body = (await response.json()) as { code: string };
    return { status: response.status, headers: response.headers, body };
  };
  let passed = 0;
  let answer = await confirm('shop', 'payments');
  for (; answer.status === 404; passed += 1) answer = await confirm('shop', 'payments');
  expectProblem(answer, { status: 429, code: 'RATE_LIMITED', retryable: true });
  // Two per user, 20 per address; more than 50 only when Redis answered late and the process went on counting from zero.
  expect(passed).toBeGreaterThanOrEqual(50);
  expect(passed).toBeLessThanOrEqual(100);
  expectProblem(await confirm('ani'), { status: 403, code: 'FORBIDDEN' });

  const redis = await openRedis({ redisUrl: stack.redisUrl });
  const keys = await redis.keys('*limit:*');
  redis.disconnect();
  expect(keys.toSorted()).toEqual(['staging:limit:address:127.0.0.1', 'staging:limit:staff:shop']);
});
