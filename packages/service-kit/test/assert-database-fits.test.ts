import { expect, test } from 'vitest';
import { createLogger } from '../src/logging/create-logger.ts';
import { assertDatabaseFits } from '../src/assert-database-fits.ts';

function check(limits: { limit: number; inUse: number }, poolMax: number, events: () => Promise<unknown>) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ name: 'example-api', level: 'info', destination });
  const engine = { listEvents: events, readConnectionLimits: () => Promise.resolve(limits) };
  return { lines, outcome: assertDatabaseFits({ engine, poolMax, logger }) };
}

const migrated = () => Promise.resolve({ events: [] });

test('three services that fit exactly start without a word', async () => {
  const { lines, outcome } = check({ limit: 30, inUse: 20 }, 10, migrated);
  await outcome;
  expect(lines).toEqual([]);
});

test('a pool that three services cannot all have refuses the start with the numbers', async () => {
  const { outcome } = check({ limit: 29, inUse: 0 }, 10, migrated);
  await expect(outcome).rejects.toThrow(
    '3 services with DATABASE_POOL_MAX=10 need 30 connections, PostgreSQL grants 29; lower DATABASE_POOL_MAX or raise max_connections',
  );
});

test('connections that others have open are warned of with the numbers', async () => {
  const { lines, outcome } = check({ limit: 30, inUse: 21 }, 10, migrated);
  await outcome;
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ level: 'warn', limit: 30, inUse: 21, poolMax: 10 }),
  ]);
});

test('a database without tables refuses the start and says which command makes them', async () => {
  const cause = new Error('relation "events" does not exist');
  const { outcome } = check({ limit: 100, inUse: 0 }, 10, () => Promise.reject(cause));
  await expect(outcome).rejects.toThrow(
    expect.objectContaining({ message: 'the tables cannot be read; run "npm run db:migrate"', cause }),
  );
});
