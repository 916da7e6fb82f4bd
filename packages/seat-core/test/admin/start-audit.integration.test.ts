import { createTestStack, waitFor, type TestStack } from '@ticketing/testkit';
import { openDatabase, openSeatCore, type Database, type SeatCore } from '@ticketing/seat-core';
import { createLogger } from '@ticketing/service-kit';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startAuditing } from '../src/start-auditing.ts';

let stack: TestStack;
let core: SeatCore;
let database: Database;
beforeAll(async () => {
  stack = await createTestStack();
  core = await openSeatCore({ ...stack, databaseUrl: stack.serviceUrl });
  database = openDatabase({ ...stack, poolMax: 2 });
  await core.createEvent({
    name: 'Konser',
    venue: 'Istora',
    startsAt: new Date(Date.now() + 86_400_000),
    sections: [{ name: 'Tribun', price: { amount: 1, currency: 'IDR' }, rows: [{ name: 'A', seats: 8 }] }],
  });
});
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await database.$client.end();
  await stack.dispose();
});

function openAuditor(databaseUrl = stack.serviceUrl) {
  const lines: string[] = [];
  const logger = createLogger({
    name: 'expiry-worker',
    level: 'debug',
    destination: { write: (line) => void lines.push(line) },
  });
  const registry = new Registry();
  const auditing = startAuditing({ databaseUrl, registry, logger, everyMs: 50 });
  return {
    metrics: () => registry.metrics(),
    checkedAt: async () =>
      Number(/^invariants_checked_timestamp_seconds (\S+)$/m.exec(await registry.metrics())?.[1]),
    log: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    [Symbol.asyncDispose]: () => auditing.stop(),
  };
}

it('shows that all is well and when that was proven last, by check and with no id in a label', async () => {
  await using auditor = openAuditor();
  const first = await waitFor(auditor.checkedAt, { description: 'the first proof' });
  expect(Math.abs(first - Date.now() / 1_000)).toBeLessThan(60);
  const metrics = await auditor.metrics();
  expect(metrics).toContain('invariant_violations{check="seat-status"} 0');
  expect(metrics.match(/^invariant_violations\{check="[a-z-]+"\} 0$/gm)).toHaveLength(8);
  await waitFor(async () => (await auditor.checkedAt()) > first, { description: 'the next proof' });
  expect(auditor.log()).toEqual([]);
});

it('shows what must not be, and logs it with samples until it is gone', async () => {
  await using auditor = openAuditor();
  const setStatus = async (status: string) =>
    database.$client.query(`
      begin; set local session_replication_role = replica;
      update seats set status = '${status}' where number = 1; commit`);
  await setStatus('SOLD');
  await waitFor(
    async () => (await auditor.metrics()).includes('invariant_violations{check="seat-status"} 1'),
    { description: 'the violation to be shown' },
  );
  expect(auditor.log()).toContainEqual(
    expect.objectContaining({
      level: 'error',
      msg: 'the audit found what must not be',
      check: 'seat-status',
      violations: 1,
      samples: [expect.stringMatching(/^seat \S+ is SOLD, and its live bookings are: none$/)],
    }),
  );
  await setStatus('AVAILABLE');
  await waitFor(
    async () => (await auditor.metrics()).includes('invariant_violations{check="seat-status"} 0'),
    { description: 'all to be well again' },
  );
});

it('leaves the time of the last proof as it was when an audit fails, and proves again when it can', async () => {
  await using auditor = openAuditor();
  await waitFor(auditor.checkedAt, { description: 'the first proof' });
  await database.$client.query('alter table booking_seats rename to elsewhere');
  try {
    const failures = () => auditor.log().filter((line) => 'err' in line);
    await waitFor(() => failures().length > 0, { description: 'an audit to fail' });
    const last = await auditor.checkedAt();
    await waitFor(() => failures().length > 2, {
      description: 'two more to fail',
      timeoutMs: 10_000,
    });
    expect(await auditor.checkedAt()).toBe(last);
    const [first, ...others] = failures();
    expect(first).toMatchObject({
      level: 'error',
      loop: 'audit',
      msg: 'a round failed; the next one tries again',
    });
    for (const line of others) expect(line).toMatchObject({ level: 'debug', loop: 'audit' });
    await database.$client.query('alter table elsewhere rename to booking_seats');
    await waitFor(async () => (await auditor.checkedAt()) > last, { description: 'a proof after it' });
  } finally {
    await database.$client.query('alter table if exists elsewhere rename to booking_seats');
  }
});

it('has no time of a proof, and no number of violations, before there was one', async () => {
  await using auditor = openAuditor('postgres://nobody@127.0.0.1:1/none');
  await waitFor(() => auditor.log().length > 0, { description: 'the audit to fail' });
  const metrics = await auditor.metrics();
  expect(metrics).toContain('invariants_checked_timestamp_seconds 0');
  expect(metrics).toContain('invariant_violations{check="seat-status"} Nan');
});

it('ends at once when the worker stops, also in the middle of an audit', async () => {
  const locker = await database.$client.connect();
  try {
    await locker.query('begin');
    await locker.query('lock table booking_events in access exclusive mode');
    await using auditor = openAuditor();
    await waitFor(
      async () => {
        const { rows } = await database.$client.query(
          `select from pg_stat_activity
           where application_name = 'seat-core-audit' and datname = current_database() and wait_event_type = 'Lock'`,
        );
        return rows.length > 0;
      },
      { description: 'the audit to wait' },
    );
    const startedAt = performance.now();
    await auditor[Symbol.asyncDispose]();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(auditor.log()).toEqual([]);
  } finally {
    await locker.query('rollback');
    locker.release();
  }
});
