import { randomUUID } from 'node:crypto';
import { auditViolations, waitFor, withinDeadline } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestWorker, type TestWorker } from './fixtures/test-worker.ts';
import { anyone } from '@ticketing/seat-core';

let worker: TestWorker;
/** No sweep here: what ends, a job has ended. */
beforeAll(async () => {
  worker = await openTestWorker({ takesJobs: true, loops: false, holdSeconds: 1 });
});
afterEach(async () => expect(await auditViolations(worker.databaseUrl)).toEqual([]));
afterAll(async () => worker[Symbol.asyncDispose]());

const ended = async (bookingId: string) =>
  waitFor(async () => (await worker.storedStatus(bookingId)) === 'EXPIRED', {
    description: 'the hold to be ended',
  });
const gone = async (jobId: string) =>
  waitFor(async () => (await worker.queue.getJob(jobId)) === undefined, {
    description: 'the job to be done',
  });
const overdue = async (bookingId: string) =>
  waitFor(async () => (await worker.core.getBooking({ bookingId, ownedBy: anyone })).status === 'EXPIRED', {
    description: 'the hold to be overdue',
  });
const failed = async (jobId: string) => {
  await waitFor(async () => (await worker.queue.getJobState(jobId)) === 'failed', {
    description: 'the job to have failed for good',
  });
  return (await worker.queue.getJob(jobId))!;
};
const naming = (...bookingIds: string[]) => ({
  bookings: bookingIds.map((bookingId) => ({ bookingId, seatIds: [] })),
});

describe('the clean-up job of a hold', () => {
  it('ends it on time, frees its seats and is gone', async () => {
    const [seatId] = await worker.makeEvent(1);
    const { id } = await worker.core.holdSeats({ seatIds: [seatId!], userId: 'ani' });
    await withinDeadline('a hold of 1 s ends', 2_000, async () => ended(id));
    const [row] = await worker.query<{ late_ms: number; cause: string }>(
      `select cause, (extract(epoch from event.at - booking.expires_at) * 1000)::float8 as late_ms
       from booking_events event join bookings booking on booking.id = event.booking_id
       where booking.id = $1 and event.to_status = 'EXPIRED'`,
      [id],
    );
    expect(row?.cause).toBe('job');
    expect(row?.late_ms).toBeGreaterThanOrEqual(0);
    expect(await worker.seatStatus(seatId!)).toBe('AVAILABLE');
    await gone(`b-${id}`);
    await waitFor(async () => (await worker.redis.exists(`status:seat:${seatId}`)) === 0, {
      description: 'the status key to be deleted',
    });
    expect(await worker.metrics()).toContain('bookings_expired_total{by="job"} 1');
    expect(worker.log()).toContainEqual(
      expect.objectContaining({ level: 'info', msg: 'job done', jobId: `b-${id}`, bookings: 1, expired: 1 }),
    );
  });

  it('that comes too early is put back for what remains by the database', async () => {
    const [seatId] = await worker.makeEvent(1);
    const booking = await worker.core.holdSeats({ seatIds: [seatId!], userId: 'ani' });
    await worker.addJob('too-early', naming(booking.id));
    const dueAt = await waitFor(
      async () => {
        const job = await worker.queue.getJob('too-early');
        return job !== undefined && (await job.isDelayed()) ? job.timestamp + job.delay : undefined;
      },
      { description: 'the job to be put back' },
    );
    expect(await worker.storedStatus(booking.id)).toBe('PENDING');
    // The clocks of this process and of PostgreSQL are of one machine here.
    expect(Math.abs(dueAt - booking.expiresAt.getTime())).toBeLessThan(1_000);
    await ended(booking.id);
    await gone('too-early');
    expect(await worker.queue.getFailedCount()).toBe(0);
  });

  it('that comes late changes nothing for whoever has the seat by then', async () => {
    const [seatId] = await worker.makeEvent(1);
    const old = await worker.brief.holdSeats({ seatIds: [seatId!], userId: 'budi' });
    await overdue(old.id);
    const { id } = await worker.core.holdSeats({ seatIds: [seatId!], userId: 'ani' });
    await worker.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
    await worker.addJob('late', { bookings: [{ bookingId: old.id, seatIds: [seatId] }] });
    await gone('late');
    expect(await worker.storedStatus(id)).toBe('CONFIRMED');
    expect(await worker.seatStatus(seatId!)).toBe('SOLD');
    expect(await worker.redis.get(`status:seat:${seatId}`)).toBe('SOLD');
  });

  it('that comes twice ends the hold once', async () => {
    const [seatId] = await worker.makeEvent(1);
    const { id } = await worker.brief.holdSeats({ seatIds: [seatId!], userId: 'budi' });
    await overdue(id);
    await Promise.all([worker.addJob('twice-1', naming(id)), worker.addJob('twice-2', naming(id))]);
    await Promise.all([gone('twice-1'), gone('twice-2')]);
    const ends = await worker.query(
      `select from booking_events where booking_id = $1 and to_status = 'EXPIRED'`,
      [id],
    );
    expect(ends).toHaveLength(1);
  });

  it('that is delivered ten times, before and after somebody else booked the seat, has one effect', async () => {
    const [seatId] = await worker.makeEvent(1);
    const old = await worker.brief.holdSeats({ seatIds: [seatId!], userId: 'budi' });
    await overdue(old.id);
    const deliver = async (from: number, to: number) => {
      const ids = Array.from({ length: to - from }, (_, n) => `delivery-${from + n}`);
      await Promise.all(ids.map((id) => worker.addJob(id, naming(old.id))));
      await Promise.all(ids.map(gone));
    };
    await deliver(0, 5);
    expect(await worker.seatStatus(seatId!)).toBe('AVAILABLE');
    const { id } = await worker.core.holdSeats({ seatIds: [seatId!], userId: 'ani' });
    await deliver(5, 8);
    await worker.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
    await deliver(8, 10);
    const [seat] = await worker.query('select status, version::int from seats where id = $1', [seatId]);
    // Held, ended, held, sold: every version is accounted for.
    expect(seat).toEqual({ status: 'SOLD', version: 4 });
    expect(await worker.storedStatus(old.id)).toBe('EXPIRED');
  });

  it('names several bookings of one commit, ends those that are due and waits for the others', async () => {
    const [first, second] = await worker.makeEvent(2);
    const due = await worker.brief.holdSeats({ seatIds: [first!], userId: 'budi' });
    await overdue(due.id);
    const later = await worker.core.holdSeats({ seatIds: [second!], userId: 'ani' });
    await worker.addJob('of-one-commit', naming(due.id, later.id, randomUUID()));
    await ended(due.id);
    expect(await worker.storedStatus(later.id)).toBe('PENDING');
    await gone('of-one-commit');
    expect(await worker.storedStatus(later.id)).toBe('EXPIRED');
  });
});

describe('a job that fails', () => {
  it('is tried again while another transaction is deciding about the booking', async () => {
    const [seatId] = await worker.makeEvent(1);
    const { id } = await worker.core.holdSeats({ seatIds: [seatId!], userId: 'budi' });
    await worker.whileLocked(id, async () => {
      await waitFor(async () => ((await worker.queue.getJob(`b-${id}`))?.attemptsMade ?? 0) > 0, {
        description: 'the first attempt to fail',
      });
      expect(await worker.storedStatus(id)).toBe('PENDING');
    });
    await ended(id);
    await gone(`b-${id}`);
    expect(worker.log()).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        msg: 'job failed, and will be tried again',
        jobId: `b-${id}`,
        attemptsMade: 1,
      }),
    );
  });

  it('is kept for a person to see after its third attempt, and the sweep does its work', async () => {
    const [seatId] = await worker.makeEvent(1);
    const { id } = await worker.core.holdSeats({ seatIds: [seatId!], userId: 'budi' });
    await worker.whileLocked(id, async () => {
      const job = await failed(`b-${id}`);
      expect(job.attemptsMade).toBe(3);
      expect(job.failedReason).toContain('another transaction');
    });
    expect(worker.log()).toContainEqual(
      expect.objectContaining({ level: 'error', msg: 'job failed', jobId: `b-${id}`, attemptsMade: 3 }),
    );
    expect(await worker.core.sweepOverdue()).toBe(1);
  });

  it.each([
    ['nothing', {}],
    ['null', null],
    ['no booking', { bookings: [] }],
    ['the booking alone', { bookingId: randomUUID() }],
    ['a number for an id', { bookings: [{ bookingId: 7 }] }],
    ['something else for an id', { bookings: [{ bookingId: "' or true --" }] }],
  ])('because it holds %s is not tried again, and kept', async (name, data) => {
    const jobId = `malformed-${name}`;
    await worker.addJob(jobId, data);
    const job = await failed(jobId);
    expect(job.attemptsMade).toBe(1);
    expect(job.failedReason).toMatch(/^the job /);
  });
});

describe('the metrics of the jobs', () => {
  it('have the names of the contract, with the jobs by state and no id in a label', async () => {
    const [seatId] = await worker.makeEvent(1);
    const before = await worker.queue.getJobCounts('failed');
    await worker.addJob('much-later', naming(randomUUID()), { delay: 60_000 });
    await worker.core.holdSeats({ seatIds: [seatId!], userId: 'ani' });
    const metrics = await worker.metrics();
    expect(metrics).toContain('queue_jobs{state="waiting"} 0');
    expect(metrics).toContain('queue_jobs{state="active"} 0');
    expect(metrics).toContain('queue_jobs{state="delayed"} 2');
    expect(metrics).toContain(`queue_jobs{state="failed"} ${before['failed']}`);
    expect(metrics).toMatch(/^expiry_job_duration_seconds_count [1-9]/m);
    expect(metrics).toMatch(/^expiry_lag_seconds_count [1-9]/m);
    expect(metrics).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });
});
