import { expect, test } from 'vitest';
import { createLogger } from '../src/logging/logger.ts';
import { assertDatabaseFits } from '../src/run-service.ts';

function check(limits: { limit: number; inUse: number }, poolMax: number, events: () => Promise<unknown>) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ name: 'example-api', level: 'info', destination });
  const engine = { listEvents: events, readConnectionLimits: () => Promise.resolve(limits) };
  return { lines, outcome: assertDatabaseFits({ engine, poolMax, logger }) };
}

const migrated = () => Promise.resolve({ events: [] });

test('three services whose pools fit exactly start without a warning', async () => {
  const { lines, outcome } = check({ limit: 30, inUse: 20 }, 10, migrated);
  await outcome;
  expect(lines).toEqual([]);
});

test('a pool too large for three services refuses the start with the numbers', async () => {
  const { outcome } = check({ limit: 29, inUse: 0 }, 10, migrated);
  await expect(outcome).rejects.toThrow(
    '3 services with DATABASE_POOL_MAX=10 need 30 connections, PostgreSQL grants 29; lower DATABASE_POOL_MAX or raise max_connections',
  );
});

test('connections of other processes cause a warning with the numbers', async () => {
  const { lines, outcome } = check({ limit: 30, inUse: 21 }, 10, migrated);
  await outcome;
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ level: 'warn', limit: 30, inUse: 21, poolMax: 10 }),
  ]);
});

test('a database without tables refuses the start and names the command that creates them', async () => {
  const cause = new Error('relation "events" does not exist');
  const { outcome } = check({ limit: 100, inUse: 0 }, 10, () => Promise.reject(cause));
  await expect(outcome).rejects.toThrow(
    expect.objectContaining({ message: 'the tables cannot be read; run "npm run db:migrate"', cause }),
  );
});
