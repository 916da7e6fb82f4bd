import { waitFor } from '@ticketing/testkit';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startAudit } from '../../src/admin/start-audit.ts';
import { createRecordingLogger } from '../fixtures/recording-logger.ts';
import { openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
  await engine.makeEvent(8);
});
afterAll(async () => engine[Symbol.asyncDispose]());

function openAuditor(databaseUrl = engine.serviceUrl) {
  const { logger, lines } = createRecordingLogger();
  const registry = new Registry();
  const audit = startAudit({ databaseUrl, registry, logger, everyMs: 50 });
  return {
    lines,
    metrics: () => registry.metrics(),
    checkedAt: async () =>
      Number(/^invariants_checked_timestamp_seconds (\S+)$/m.exec(await registry.metrics())?.[1]),
    [Symbol.asyncDispose]: () => audit.stop(),
  };
}

async function setFirstSeat(status: string): Promise<void> {
  await engine.pool.query(`
    begin; set local session_replication_role = replica;
    update seats set status = '${status}' where number = 1; commit`);
}

it('the audit shows no violation and when it last finished, by check and without an id in a label', async () => {
  await using auditor = openAuditor();
  const first = await waitFor(auditor.checkedAt, { description: 'the first audit' });
  expect(Math.abs(first - Date.now() / 1_000)).toBeLessThan(60);
  const metrics = await auditor.metrics();
  expect(metrics).toContain('invariant_violations{check="seat-status"} 0');
  expect(metrics.match(/^invariant_violations\{check="[a-z-]+"\} 0$/gm)).toHaveLength(8);
  await waitFor(async () => (await auditor.checkedAt()) > first, { description: 'the next audit' });
  expect(auditor.lines).toEqual([]);
});

it('the audit shows a violation and logs it with samples, until it is gone', async () => {
  await using auditor = openAuditor();
  await setFirstSeat('SOLD');
  await waitFor(
    async () => (await auditor.metrics()).includes('invariant_violations{check="seat-status"} 1'),
    { description: 'the violation in the metrics' },
  );
  expect(auditor.lines).toContainEqual({
    level: 'error',
    message: 'invariant violated',
    fields: {
      check: 'seat-status',
      violations: 1,
      samples: [expect.stringMatching(/^seat \S+ is SOLD, and its live bookings are: none$/)],
    },
  });
  await setFirstSeat('AVAILABLE');
  await waitFor(
    async () => (await auditor.metrics()).includes('invariant_violations{check="seat-status"} 0'),
    { description: 'no violation in the metrics' },
  );
});

it('a failed audit leaves the time of the last one as it was, and the next one tries again', async () => {
  await using auditor = openAuditor();
  await waitFor(auditor.checkedAt, { description: 'the first audit' });
  await engine.pool.query('alter table booking_seats rename to elsewhere');
  try {
    const failures = () => auditor.lines.filter(({ fields }) => 'err' in fields);
    await waitFor(() => failures().length > 0, { description: 'an audit to fail' });
    const last = await auditor.checkedAt();
    await waitFor(() => failures().length > 2, { description: 'two more to fail', timeoutMs: 10_000 });
    expect(await auditor.checkedAt()).toBe(last);
    const [first, ...others] = failures();
    expect(first).toMatchObject({
      level: 'error',
      message: 'loop round failed; the next round tries again',
      fields: { loop: 'audit' },
    });
    for (const line of others) expect(line).toMatchObject({ level: 'debug', fields: { loop: 'audit' } });
    await engine.pool.query('alter table elsewhere rename to booking_seats');
    await waitFor(async () => (await auditor.checkedAt()) > last, { description: 'an audit after it' });
  } finally {
    await engine.pool.query('alter table if exists elsewhere rename to booking_seats');
  }
});

it('before the first finished audit the metrics show neither a time nor a number of violations', async () => {
  await using auditor = openAuditor('postgres://owner@127.0.0.1:1/none');
  await waitFor(() => auditor.lines.length > 0, { description: 'the audit to fail' });
  const metrics = await auditor.metrics();
  expect(metrics).toContain('invariants_checked_timestamp_seconds 0');
  expect(metrics).toContain('invariant_violations{check="seat-status"} Nan');
});

it('a stopped audit ends at once, also in the middle of a query', async () => {
  await engine.whileLocked('lock table booking_events in access exclusive mode', async () => {
    await using auditor = openAuditor();
    await waitFor(
      async () => {
        const { rows } = await engine.pool.query(
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
    expect(auditor.lines).toEqual([]);
  });
});
