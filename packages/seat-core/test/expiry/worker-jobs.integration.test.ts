import { randomUUID } from 'node:crypto';
import { auditViolations, waitFor, withinDeadline } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { anyone } from '../../src/records/ownership.ts';
import { rowLock } from '../fixtures/test-engine.ts';
import { openTestWorker, type TestWorker } from '../fixtures/test-worker.ts';

let worker: TestWorker;
/** Without loops: only jobs expire holds here. */
beforeAll(async () => {
  worker = await openTestWorker({ jobs: true, loops: false, holdSeconds: 1 });
});
afterEach(async () => expect(await auditViolations(worker.databaseUrl)).toEqual([]));
afterAll(async () => worker[Symbol.asyncDispose]());

const expired = async (bookingId: string) =>
  waitFor(async () => (await worker.storedStatus(bookingId)) === 'EXPIRED', {
    description: 'the hold to expire',
  });
const done = async (jobId: string) =>
  waitFor(async () => (await worker.expiryQueue.getJob(jobId)) === undefined, {
    description: 'the job to be done',
  });
const failed = async (jobId: string) => {
  await waitFor(async () => (await worker.expiryQueue.getJobState(jobId)) === 'failed', {
    description: 'the job to have failed for good',
  });
  return (await worker.expiryQueue.getJob(jobId))!;
};
const naming = (...bookingIds: string[]) => ({
  bookings: bookingIds.map((bookingId) => ({ bookingId, seatIds: [] })),
});
const seatStatus = async (seatId: string) => (await worker.seatRow(seatId)).status;

async function expiryRecords(bookingId: string) {
  const { rows } = await worker.pool.query<{ cause: string; late_ms: number }>(
    `select cause, (extract(epoch from event.at - booking.expires_at) * 1000)::float8 as late_ms
     from booking_events event join bookings booking on booking.id = event.booking_id
     where booking.id = $1 and event.to_status = 'EXPIRED'`,
    [bookingId],
  );
  return rows;
}

describe('a clean-up job', () => {
  it('a job expires its hold on time, frees the seats and is deleted', async () => {
    const { seatIds } = await worker.makeEvent(1);
    const { id } = await worker.core.holdSeats({ seatIds, userId: 'ani' });
    await withinDeadline('a hold of 1 s expires', 2_000, async () => expired(id));
    const [record] = await expiryRecords(id);
    expect(record?.cause).toBe('job');
    expect(record?.late_ms).toBeGreaterThanOrEqual(0);
    expect(await seatStatus(seatIds[0])).toBe('AVAILABLE');
    await done(`b-${id}`);
    await waitFor(async () => (await worker.redis.exists(`status:seat:${seatIds[0]}`)) === 0, {
      description: 'the status key to be deleted',
    });
    expect(await worker.metric('bookings_expired_total', { by: 'job' })).toBe(1);
    expect(worker.log).toContainEqual({
      level: 'info',
      message: 'job done',
      fields: { jobId: `b-${id}`, bookings: 1, expired: 1 },
    });
  });

  it('a job that comes too early is delayed until its hold is due by the database', async () => {
    const { seatIds } = await worker.makeEvent(1);
    const booking = await worker.core.holdSeats({ seatIds, userId: 'ani' });
    await worker.addJob('too-early', naming(booking.id));
    const dueAt = await waitFor(
      async () => {
        const job = await worker.expiryQueue.getJob('too-early');
        return job !== undefined && (await job.isDelayed()) ? job.timestamp + job.delay : undefined;
      },
      { description: 'the job to be delayed' },
    );
    expect(await worker.storedStatus(booking.id)).toBe('PENDING');
    // This process and PostgreSQL have the clock of one machine.
    expect(Math.abs(dueAt - booking.expiresAt.getTime())).toBeLessThan(1_000);
    await expired(booking.id);
    await done('too-early');
    expect(await worker.expiryQueue.getFailedCount()).toBe(0);
  });

  it('a late job takes no seat from its next buyer', async () => {
    const { event, seatIds } = await worker.makeEvent(1);
    const [seatId] = seatIds;
    const old = await worker.brief.holdSeats({ seatIds, userId: 'budi' });
    await worker.untilOverdue(old.id);
    const { id } = await worker.core.holdSeats({ seatIds, userId: 'ani' });
    await worker.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
    await worker.addJob('late', { bookings: [{ bookingId: old.id, eventId: event.id, seatIds }] });
    await done('late');
    expect(await worker.storedStatus(id)).toBe('CONFIRMED');
    expect(await seatStatus(seatId)).toBe('SOLD');
    expect(await worker.redis.get(`status:seat:${seatId}`)).toBe('SOLD');
  });

  it('two jobs of one hold expire it once', async () => {
    const { seatIds } = await worker.makeEvent(1);
    const { id } = await worker.brief.holdSeats({ seatIds, userId: 'budi' });
    await worker.untilOverdue(id);
    await Promise.all([worker.addJob('twice-1', naming(id)), worker.addJob('twice-2', naming(id))]);
    await Promise.all([done('twice-1'), done('twice-2')]);
    expect(await expiryRecords(id)).toHaveLength(1);
  });

  it('a job that is delivered ten times, before and after the next booking of its seat, has one effect', async () => {
    const { seatIds } = await worker.makeEvent(1);
    const old = await worker.brief.holdSeats({ seatIds, userId: 'budi' });
    await worker.untilOverdue(old.id);
    const deliver = async (from: number, to: number) => {
      const ids = Array.from({ length: to - from }, (_, n) => `delivery-${from + n}`);
      await Promise.all(ids.map((id) => worker.addJob(id, naming(old.id))));
      await Promise.all(ids.map(done));
    };
    await deliver(0, 5);
    expect(await seatStatus(seatIds[0])).toBe('AVAILABLE');
    const { id } = await worker.core.holdSeats({ seatIds, userId: 'ani' });
    await deliver(5, 8);
    await worker.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
    await deliver(8, 10);
    // One version each for: held, expired, held, sold.
    expect(await worker.seatRow(seatIds[0])).toEqual({ status: 'SOLD', version: 4 });
    expect(await worker.storedStatus(old.id)).toBe('EXPIRED');
  });

  it('a job of several bookings expires those that are due and waits for the others', async () => {
    const { seatIds } = await worker.makeEvent(2);
    const due = await worker.brief.holdSeats({ seatIds: [seatIds[0]], userId: 'budi' });
    await worker.untilOverdue(due.id);
    const later = await worker.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    await worker.addJob('of-one-commit', naming(due.id, later.id, randomUUID()));
    await expired(due.id);
    expect(await worker.storedStatus(later.id)).toBe('PENDING');
    await done('of-one-commit');
    expect(await worker.storedStatus(later.id)).toBe('EXPIRED');
  });
});

describe('a job that fails', () => {
  it('a job whose booking another transaction has locked is tried again', async () => {
    const { seatIds } = await worker.makeEvent(1);
    const { id } = await worker.core.holdSeats({ seatIds, userId: 'budi' });
    await worker.whileLocked(rowLock('bookings', id), async () => {
      await waitFor(async () => ((await worker.expiryQueue.getJob(`b-${id}`))?.attemptsMade ?? 0) > 0, {
        description: 'the first attempt to fail',
      });
      expect(await worker.storedStatus(id)).toBe('PENDING');
    });
    await expired(id);
    await done(`b-${id}`);
    expect(worker.log).toContainEqual({
      level: 'warn',
      message: 'job failed; it will be tried again',
      fields: expect.objectContaining({ jobId: `b-${id}`, attemptsMade: 1 }) as object,
    });
  });

  it('a job that fails a third time is kept for an operator, and the sweep expires its hold', async () => {
    const { seatIds } = await worker.makeEvent(1);
    const { id } = await worker.core.holdSeats({ seatIds, userId: 'budi' });
    await worker.whileLocked(rowLock('bookings', id), async () => {
      const job = await failed(`b-${id}`);
      expect(job.attemptsMade).toBe(3);
      expect(job.failedReason).toContain('another transaction');
    });
    expect(worker.log).toContainEqual({
      level: 'error',
      message: 'job failed',
      fields: expect.objectContaining({ jobId: `b-${id}`, attemptsMade: 3 }) as object,
    });
    expect(await worker.core.sweepOverdue()).toBe(1);
  });

  it.each([
    ['nothing', {}],
    ['null', null],
    ['no booking', { bookings: [] }],
    ['a booking instead of a list', { bookingId: randomUUID() }],
    ['a number for an id', { bookings: [{ bookingId: 7 }] }],
    ['text that is no id', { bookings: [{ bookingId: "' or true --" }] }],
  ])('a job with malformed data (%s) is not tried again, and kept', async (name, data) => {
    const jobId = `malformed-${name}`;
    await worker.addJob(jobId, data);
    const job = await failed(jobId);
    expect(job.attemptsMade).toBe(1);
    expect(job.failedReason).toMatch(/^the job /);
  });
});

it('the metrics of the queue count jobs by state and have no id in a label', async () => {
  const { seatIds } = await worker.makeEvent(1);
  const before = await worker.expiryQueue.getJobCounts('failed');
  await worker.addJob('much-later', naming(randomUUID()), { delay: 60_000 });
  await worker.core.holdSeats({ seatIds, userId: 'ani' });
  const metrics = await worker.registry.metrics();
  expect(metrics).toContain('queue_jobs{state="waiting"} 0');
  expect(metrics).toContain('queue_jobs{state="active"} 0');
  expect(metrics).toContain('queue_jobs{state="delayed"} 2');
  expect(metrics).toContain(`queue_jobs{state="failed"} ${before['failed']}`);
  expect(metrics).toMatch(/^expiry_job_duration_seconds_count [1-9]/m);
  expect(metrics).toMatch(/^expiry_lag_seconds_count [1-9]/m);
  expect(metrics).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
});
