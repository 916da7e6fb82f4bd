import { createTestStack, startService, type TestStack } from '@ticketing/testkit';
import { openDatabase } from '@ticketing/seat-core/clients';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let stack: TestStack;
beforeAll(async () => {
  stack = await createTestStack();
});
afterAll(async () => stack.dispose());

const services = ['booking-api', 'payment-api', 'expiry-worker'] as const;

/** The error message of a service that cannot start. */
async function startError(name: (typeof services)[number], env: Record<string, string>): Promise<string> {
  const base = { DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl };
  return startService(name, { ...base, ...env }).then(
    async (service) => {
      await service.kill();
      return 'it started';
    },
    (error: Error) => error.message,
  );
}

describe.each(services)('%s', (name) => {
  it('a service starts on a migrated database, becomes ready, and stops with exit code 0', async () => {
    const env = { DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl };
    await using service = await startService(name, env);
    expect(await (await fetch(`${service.url}/health/live`)).json()).toEqual({ status: 'live' });
    const database = openDatabase({ databaseUrl: stack.databaseUrl, poolMax: 1 });
    const { rows } = await database.$client.query(
      'select count(*)::int as n from pg_stat_activity where application_name = $1',
      [name],
    );
    await database.$client.end();
    expect(rows[0].n).toBeGreaterThan(0);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });

  it('a service does not start with a wrong environment, and lists every variable without its value', async () => {
    const error = await startError(name, {
      DATABASE_URL: 'mysql://root:hunter2@db/app',
      REDIS_URL: '',
      DATABASE_POOL_MAX: 'plenty',
    });
    expect(error).toContain('3 environment variables are missing or wrong');
    for (const variable of ['DATABASE_URL', 'REDIS_URL', 'DATABASE_POOL_MAX'])
      expect(error).toContain(variable);
    expect(error).not.toMatch(/hunter2|mysql|plenty/);
  });
});

it.each([
  ['HOLD_SECONDS', '0'],
  ['HOLD_SECONDS', '3601'],
  ['SEAT_LOCK_SECONDS', '2'],
  ['MAX_SEATS_PER_BOOKING', '101'],
])('booking-api does not start with %s=%s', async (variable, value) => {
  expect(await startError('booking-api', { [variable]: value })).toContain(`${variable} must be`);
});

it.each(['booking-api', 'payment-api'] as const)(
  '%s does not start in production without authentication, and with it does',
  async (name) => {
    const production = { NODE_ENV: 'production' };
    expect(await startError(name, production)).toContain(
      'could not start: NODE_ENV=production needs authentication; set JWT_SECRET or JWKS_URL',
    );
    expect(
      await startError(name, { ...production, JWT_SECRET: 'x'.repeat(32), JWKS_URL: 'https://id.test' }),
    ).toContain('could not start: JWT_SECRET and JWKS_URL exclude each other');
    expect(await startError(name, { ...production, JWT_SECRET: 'x'.repeat(32) })).toBe('it started');
  },
);

it('a service does not start with a pool too large for three services, and names the numbers', async () => {
  expect(await startError('booking-api', { DATABASE_POOL_MAX: '100' })).toMatch(
    /could not start: postgresql connections \(.*\): 3 services with DATABASE_POOL_MAX=100 need 300 connections, PostgreSQL grants \d+/,
  );
});

it('a service does not start on a database without migrations, and names the command to run', async () => {
  await using bare = await createTestStack();
  const database = openDatabase({ databaseUrl: bare.databaseUrl, poolMax: 1 });
  await database.$client.query('drop schema public cascade; create schema public');
  await database.$client.end();
  const error = await startError('payment-api', { DATABASE_URL: bare.databaseUrl });
  expect(error).toContain(
    'could not start: postgresql migrations (no tables): The database has no tables of this build: run \\"npm run db:migrate\\".',
  );
});
