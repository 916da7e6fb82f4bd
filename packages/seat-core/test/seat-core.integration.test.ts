import { createTestStack, type TestStack } from '@ticketing/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyone } from '../src/records/ownership.ts';
import { openSeatCore } from '../src/open-seat-core.ts';
import { openTestEngine } from './fixtures/test-engine.ts';

let stack: TestStack;
let owner: pg.Client;
beforeAll(async () => {
  stack = await createTestStack();
  owner = new pg.Client({ connectionString: stack.databaseUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await stack.dispose();
});

const open = (applicationName: string) =>
  openSeatCore({ databaseUrl: stack.serviceUrl, redisUrl: stack.redisUrl, applicationName });

async function sessionsOf(applicationName: string): Promise<number> {
  const { rows } = await owner.query('select from pg_stat_activity where application_name = $1', [
    applicationName,
  ]);
  return rows.length;
}

describe('close', () => {
  it('closes an engine once, however often it is called, and ends its connections', async () => {
    const core = await open('closed-twice');
    expect(await sessionsOf('closed-twice')).toBeGreaterThan(0);
    const closing = core.close();
    expect(core.close()).toBe(closing);
    expect(core[Symbol.asyncDispose]()).toBe(closing);
    await closing;
    await expect(core.close()).resolves.toBeUndefined();
    await expect.poll(() => sessionsOf('closed-twice')).toBe(0);
    await expect(core.ping()).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
  });

  it('closes an engine at the end of an `await using` block', async () => {
    {
      await using core = await open('used');
      await core.ping();
    }
    await expect.poll(() => sessionsOf('used')).toBe(0);
  });

  it('leaves the clients open that createSeatCore was given', async () => {
    await using engine = await openTestEngine();
    const core = engine.withSettings({});
    await core.close();
    expect(await engine.redis.ping()).toBe('PONG');
    await engine.core.ping();
  });

  it('waits for the background work of an answer', async () => {
    await using engine = await openTestEngine();
    const { seatIds } = await engine.makeEvent(1);
    const core = engine.withSettings({});
    const { id } = await core.holdSeats({ seatIds, userId: 'ani' });
    await core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'ani' });
    await core.close();
    expect(await engine.redis.get(`status:seat:${seatIds[0]}`)).toBe('SOLD');
  });
});

it('openSeatCore fails with the reason when PostgreSQL is not there, and leaves no connection behind', async () => {
  const options = { databaseUrl: 'postgres://owner@127.0.0.1:1/none', redisUrl: stack.redisUrl };
  await expect(openSeatCore(options)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('measureClockOffset compares the clocks of Redis and PostgreSQL', async () => {
  await using engine = await openTestEngine();
  const offset = await engine.core.measureClockOffset();
  expect(Math.abs(offset)).toBeLessThan(1);
  expect(await engine.metric('redis_clock_offset_seconds')).toBe(offset);
});
