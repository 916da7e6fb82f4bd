import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { deadlineFactor, waitFor } from '@ticketing/testkit';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { auditFindings } from '../src/checkers/audit.ts';
import { graceMs } from '../src/checkers/check-deadlines.ts';
import { startCluster, type Cluster } from '../src/cluster/cluster.ts';
import type { Member } from '../src/cluster/member.ts';
import { withDatabase, withRedis } from '../src/cluster/stores.ts';
import { bookingOf, type BookingAnswer, type Operation } from '../src/history.ts';
import { sendRequest } from '../src/workload/send-request.ts';
import { openVenue } from '../src/workload/venue.ts';
import { effort } from './effort.ts';

/*
 * A process dies or stops at a chosen point (packages/seat-core/testing/failpoint.mjs); then the test looks
 * at what it left behind. The numbers are those of the kill matrix in docs/reliability.md.
 */

const holdMs = 2_000;
let cluster: Cluster;
let freeSeats: string[];
/** The process that dies or sleeps, and the one that goes on. */
let api: Member;
let otherApi: Member;
let payment: Member;
let otherPayment: Member;
let worker: Member;

beforeAll(async () => {
  cluster = await startCluster({
    holdSeconds: holdMs / 1_000,
    each: { 'booking-api': 2, 'payment-api': 2, 'expiry-worker': 1 },
    nodeFlags: ['--conditions=failpoints'],
  });
  [api, otherApi, worker, payment, otherPayment] = cluster.members as [
    Member,
    Member,
    Member,
    Member,
    Member,
  ];
  freeSeats = [...(await openVenue(otherApi.url, 400)).seatIds];
}, effort.timeoutMs);
afterAll(() => cluster[Symbol.asyncDispose]());
afterEach(async () => {
  expect(await auditFindings(cluster.databaseUrl)).toEqual([]);
});

const times = Array.from({ length: effort.kills }, (_, index) => index + 1);
/** `npm test` leaves these out. */
const whenLong = effort.isLong ? times : [];

interface Request {
  readonly userId: string;
  readonly seatId: string;
  readonly key: string;
}

const newRequest = (): Request => ({
  userId: `user-${randomUUID()}`,
  seatId: freeSeats.pop()!,
  key: randomUUID(),
});

/** The request of another user for the same seat. */
const nextRequest = ({ userId, seatId }: Request): Request => ({
  userId: `next-${userId}`,
  seatId,
  key: randomUUID(),
});

async function hold(member: Member, request: Request, timeoutMs = 4_000): Promise<Operation> {
  const { userId, seatId, key } = request;
  return sendRequest({
    member,
    kind: 'hold',
    userId,
    seatIds: [seatId],
    bookingId: undefined,
    key,
    timeoutMs,
  });
}

async function holdBooking(request: Request): Promise<BookingAnswer> {
  return bookingOf(await hold(otherApi, request))!;
}

async function end(member: Member, kind: 'confirm' | 'release', booking: BookingAnswer, key = randomUUID()) {
  const { id, userId } = booking;
  return sendRequest({ member, kind, userId, seatIds: [], bookingId: id, key });
}

/**
 * Ends the process at a failpoint of the work, and starts it again without the failpoint.
 *
 * @param look at what it left, before it is back: the start takes longer than some of it stays
 */
async function dieAt<T>(member: Member, failpoint: string, work: () => Promise<T>, look = async () => {}) {
  await member.kill();
  await member.revive({ FAILPOINT: failpoint });
  const outcome = await work();
  await member.gone();
  await look();
  await member.revive();
  return outcome;
}

const inDatabase = <T>(work: (client: pg.Client) => Promise<T>) => withDatabase(cluster.databaseUrl, work);
const inRedis = <T>(work: (redis: Redis) => Promise<T>) => withRedis(cluster.redisUrl, work);
const statusKey = (seatId: string) => inRedis((redis) => redis.get(`status:seat:${seatId}`));
const lockOf = (seatId: string) => inRedis((redis) => redis.get(`lock:seat:${seatId}`));

async function rowsOf<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
  return inDatabase(async (client) => (await client.query<Row>(text, values)).rows);
}

async function bookingsOf({ userId }: Pick<Request, 'userId'>) {
  return rowsOf<{ id: string; status: string; late: number }>(
    `select id, status, (extract(epoch from clock_timestamp() - expires_at) * 1000)::float8 as late
     from bookings where user_id = $1`,
    [userId],
  );
}

async function seatOf(seatId: string) {
  const text = 'select status, version::int from seats where id = $1';
  return (await rowsOf<{ status: string; version: number }>(text, [seatId]))[0]!;
}

async function untilEnded(request: Request, timeoutMs = holdMs + graceMs): Promise<void> {
  const statuses = async () => (await bookingsOf(request)).map(({ status }) => status);
  await waitFor(async () => (await statuses()).join() === 'EXPIRED', {
    description: 'the hold to end',
    timeoutMs,
  });
}

async function untilSold(request: Request, timeoutMs = graceMs): Promise<void> {
  await waitFor(async () => (await hold(otherApi, request)).result.kind === 'done', {
    description: 'the seat to be held again',
    timeoutMs,
  });
}

/** By job, sweep or reclaim: at the deadline, and not later than the grace allows; once. */
async function expectEndsOnTime(request: Request): Promise<void> {
  await untilEnded(request);
  const ends = await rowsOf<{ late: number }>(
    `select (extract(epoch from ended.at - booking.expires_at) * 1000)::float8 as late
     from bookings booking
     join booking_events ended on ended.booking_id = booking.id and ended.to_status = 'EXPIRED'
     where booking.user_id = $1`,
    [request.userId],
  );
  expect(ends).toHaveLength(1);
  expect(ends[0]!.late).toBeGreaterThanOrEqual(0);
  expect(ends[0]!.late).toBeLessThan(graceMs * deadlineFactor());
  expect((await seatOf(request.seatId)).status).toBe('AVAILABLE');
}

/** A retry with the key finds the booking, if its first attempt made one, and else makes one. */
async function expectRetryFinds(request: Request, stored: readonly { readonly id: string }[]): Promise<void> {
  const again = await hold(otherApi, request);
  expect(again.result).toMatchObject({ kind: 'done', status: 201, isReplay: stored.length > 0 });
  const ids = (await bookingsOf(request)).map(({ id }) => id);
  expect(ids).toEqual([bookingOf(again)?.id]);
  if (stored.length > 0) expect(ids).toEqual(stored.map(({ id }) => id));
}

describe.each(whenLong)('booking-api dies, time %i', () => {
  it('K1: booking-api dies with its lock, before its statement; nothing is held, and the lock ends by itself', async () => {
    const request = newRequest();
    const { result } = await dieAt(api, 'hold-locked', () => hold(api, request));
    expect(result.kind).toBe('unknown');
    expect(await bookingsOf(request)).toEqual([]);
    await waitFor(async () => (await lockOf(request.seatId)) === null, { description: 'the lock to end' });
    expect((await hold(otherApi, request)).result.kind).toBe('done');
  });

  it('K2: booking-api dies with its statement sent and the reply not read; the retry finds what happened', async () => {
    const request = newRequest();
    cluster.links.postgres.swallowReplyTo('hold-free-seats');
    const asking = hold(api, request);
    await waitFor(async () => (await bookingsOf(request)).length > 0, { description: 'the commit' });
    await api.kill();
    expect((await asking).result.kind).toBe('unknown');
    await api.revive();
    await expectRetryFinds(request, await bookingsOf(request));
    await expectEndsOnTime(request);
  });

  it.each<[string, string, (request: Request) => Promise<void>]>([
    [
      'K3: booking-api dies after its commit, before Redis knows; the hold ends without a job',
      'hold-committed',
      async () => {},
    ],
    [
      'K4: booking-api dies with its job added and its status key not written; the database refuses the next buyer',
      'hold-job-added',
      async (request) => {
        const { seatId } = request;
        const [booking] = await bookingsOf(request);
        await inRedis(async (redis) => {
          expect(await redis.exists(`{bull}:ticket-cleanup:b-${booking!.id}`)).toBe(1);
          await redis.del(`status:seat:${seatId}`, `lock:seat:${seatId}`);
        });
        const { result } = await hold(otherApi, nextRequest(request));
        expect(result).toMatchObject({ kind: 'refused', code: 'SEAT_TAKEN' });
      },
    ],
    [
      'K6: booking-api dies after all work, before its answer; Redis is right',
      'hold-done',
      async ({ seatId }) => {
        expect(await statusKey(seatId)).toBe('RESERVED');
        expect(await lockOf(seatId)).toBeNull();
      },
    ],
  ])('%s, and the retry finds the hold', async (_moment, failpoint, look) => {
    const request = newRequest();
    await dieAt(
      api,
      failpoint,
      () => hold(api, request),
      () => look(request),
    );
    const stored = await bookingsOf(request);
    expect(stored).toHaveLength(1);
    await expectRetryFinds(request, stored);
    await expectEndsOnTime(request);
  });

  it('K5: booking-api dies with Redis up to date and the lock not released; the next buyer waits for the lock at most', async () => {
    const request = newRequest();
    await dieAt(
      api,
      'hold-published',
      () => hold(api, request),
      async () => {
        expect(await statusKey(request.seatId)).toBe('RESERVED');
        expect(await lockOf(request.seatId)).not.toBeNull();
      },
    );
    await end(otherApi, 'release', await holdBooking(request));
    const next = nextRequest(request);
    const answers = new Set<string>();
    await waitFor(
      async () => {
        const { result } = await hold(otherApi, next);
        answers.add(result.kind === 'refused' ? result.code : result.kind);
        return result.kind === 'done';
      },
      { description: 'the seat to be held again' },
    );
    expect([...answers].filter((answer) => answer !== 'SEAT_LOCKED')).toEqual(['done']);
  });
});

describe.each(times)('payment-api dies, time %i', () => {
  const moments = [
    ['after its commit, before Redis knows', 'transition-committed', 'CONFIRMED', 'SOLD'],
    ['before its statement', 'confirm-started', 'PENDING', 'RESERVED'],
    ['after all work, before its answer', 'confirm-done', 'CONFIRMED', 'SOLD'],
  ] as const;
  it.each(effort.isLong ? moments : moments.slice(0, 1))(
    'K7: payment-api dies %s; the booking is whole, and paying again is safe',
    async (_moment, failpoint, status, seatStatus) => {
      const request = newRequest();
      await payment.kill();
      await payment.revive({ FAILPOINT: failpoint });
      const booking = await holdBooking(request);
      const key = randomUUID();
      expect((await end(payment, 'confirm', booking, key)).result.kind).toBe('unknown');
      await payment.gone();
      expect((await bookingsOf(request)).map((row) => row.status)).toEqual([status]);
      expect((await seatOf(request.seatId)).status).toBe(seatStatus);
      const again = await end(otherPayment, 'confirm', booking, key);
      expect(again.result).toMatchObject({ kind: 'done', isReplay: status === 'CONFIRMED' });
      expect(bookingOf(again)?.status).toBe('CONFIRMED');
      await waitFor(async () => (await statusKey(request.seatId)) === 'SOLD', {
        description: 'the status key to be repaired',
        timeoutMs: graceMs,
      });
      await payment.revive();
    },
  );
});

describe.each(whenLong)('expiry-worker dies, time %i', () => {
  it.each([
    ['K9: expiry-worker dies with a job taken, before its statement', 'expire-started'],
    ['K10: expiry-worker dies after its commit, before Redis knows', 'expire-committed'],
    // Not the first round, which comes before the process is known to run.
    ['K11: expiry-worker dies between two rounds of the sweep', 'sweep-round:4'],
  ])('%s; the hold ends once, and its seat sells', async (_moment, failpoint) => {
    const request = newRequest();
    await dieAt(worker, failpoint, () => holdBooking(request));
    await untilEnded(request);
    await untilSold(nextRequest(request));
    expect(await bookingsOf(request)).toHaveLength(1);
  });

  it('K11: expiry-worker dies in the middle of a sweep; all or nothing of it is done, and nothing twice', async () => {
    const requests = Array.from({ length: 4 }, newRequest);
    const last = requests[3]!;
    await worker.kill();
    for (const request of requests) await holdBooking(request);
    await inRedis((redis) => redis.flushall());
    await inDatabase(async (client) => {
      // The sweep has the bookings and waits for this seat when its process dies.
      await client.query('begin');
      await client.query('select from seats where id = $1 for update', [last.seatId]);
      await waitFor(async () => (await bookingsOf(last))[0]!.late > 0, { description: 'the deadline' });
      await worker.revive();
      const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'expiry-worker'`;
      await waitFor(async () => (await rowsOf(waiting, [])).length > 0, {
        description: 'the sweep to wait',
        timeoutMs: 10_000,
      });
      await worker.kill();
      await client.query('rollback');
    });
    await worker.revive();
    for (const request of requests) {
      await untilEnded(request, graceMs);
      expect((await seatOf(request.seatId)).status).toBe('AVAILABLE');
    }
  });
});

describe.each(whenLong)('a server fails while seats are held, time %i', () => {
  type Server = 'redis' | 'postgres';
  const restart = async (server: Server) => {
    await cluster[server].kill();
    await cluster[server].start();
  };
  const freeze = async (server: Server) => {
    await cluster[server].freeze();
    await delay(1_000);
    await cluster[server].thaw();
  };
  const endSessions = `select pg_terminate_backend(pid) from pg_stat_activity
    where pid <> pg_backend_pid() and usename is not null`;

  it.each<[string, () => Promise<unknown>]>([
    ['is killed and comes back empty', () => restart('redis')],
    ['is flushed', () => inRedis((redis) => redis.flushall())],
    ['ends every connection', () => inRedis((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'normal'))],
    ['is frozen for a second', () => freeze('redis')],
  ])('K12: Redis %s; the hold ends on time', async (_what, fail) => {
    const request = newRequest();
    await holdBooking(request);
    await fail();
    await expectEndsOnTime(request);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['is killed and recovers', () => restart('postgres')],
    ['ends every session', () => rowsOf(endSessions, [])],
    ['is frozen for a second', () => freeze('postgres')],
  ])('K13: PostgreSQL %s; the acknowledged hold is there, and selling goes on', async (_what, fail) => {
    const request = newRequest();
    const { id } = await holdBooking(request);
    await fail();
    expect((await bookingsOf(request)).map((row) => row.id)).toEqual([id]);
    await untilSold(newRequest());
    await untilEnded(request);
  });

  it('K13: PostgreSQL has no connection left; requests are refused in time, and selling goes on later', async () => {
    const request = newRequest();
    const ofServices = `application_name in ('booking-api', 'payment-api', 'expiry-worker')`;
    const rolesOfServices = `select distinct quote_ident(usename) as role from pg_stat_activity where ${ofServices}`;
    const [{ role } = { role: '' }] = await rowsOf<{ role: string }>(rolesOfServices, []);
    await rowsOf(`alter role ${role} connection limit 0`, []);
    try {
      const ending = `select pg_terminate_backend(pid) from pg_stat_activity where ${ofServices}`;
      await waitFor(async () => (await rowsOf(ending, [])).length === 0, {
        description: 'every session to end',
      });
      await expectRefused(request, 'DEPENDENCY_UNAVAILABLE');
    } finally {
      await rowsOf(`alter role ${role} connection limit -1`, []);
    }
    await untilSold(request);
    await expectEndsOnTime(request);
  });

  it('K13: a foreign session keeps the row of a seat; its buyers are refused for now, in time', async () => {
    const request = newRequest();
    await inDatabase(async (client) => {
      await client.query('begin');
      await client.query('select from seats where id = $1 for update', [request.seatId]);
      await expectRefused(request, 'SEAT_LOCKED');
      await client.query('rollback');
    });
    expect((await hold(otherApi, request)).result.kind).toBe('done');
  });

  async function expectRefused(request: Request, code: string): Promise<void> {
    const operation = await hold(otherApi, request);
    expect(operation.result).toMatchObject({ kind: 'refused', code });
    expect(operation.completedAt - operation.invokedAt).toBeLessThan(2_000 * deadlineFactor());
  }
});

describe('a process that sleeps past the end of its seat lock', () => {
  const asleep = ({ pid, label }: Member) =>
    waitFor(async () => /^State:\s+T/m.test(await readFile(`/proc/${pid()}/status`, 'utf8')), {
      description: `${label} to sleep`,
    });
  const stateOf = async (request: Request) => ({
    lock: await lockOf(request.seatId),
    key: await statusKey(request.seatId),
    seat: await seatOf(request.seatId),
  });

  it('a process that sleeps past the end of its seat lock is refused and changes nothing of the next holder', async () => {
    const sleeping = { FAILPOINT_SIGNAL: 'SIGSTOP', HOLD_SECONDS: '60' };
    await Promise.all([api.kill(), otherApi.kill()]);
    await api.revive({ ...sleeping, FAILPOINT: 'hold-locked' });
    await otherApi.revive({ ...sleeping, FAILPOINT: 'hold-published', SEAT_LOCK_SECONDS: '60' });
    const request = newRequest();
    const next = nextRequest(request);
    const asked = hold(api, request, 60_000);
    await asleep(api);
    expect(await lockOf(request.seatId)).toMatch(`${request.userId}:`);
    await waitFor(async () => (await lockOf(request.seatId)) === null, { description: 'its lock to end' });

    const askedNext = hold(otherApi, next, 60_000);
    await asleep(otherApi);
    const before = await stateOf(request);
    expect(before).toMatchObject({ key: 'RESERVED', seat: { status: 'RESERVED' } });
    expect(before.lock).toMatch(`${next.userId}:`);

    api.thaw();
    expect((await asked).result).toMatchObject({ kind: 'refused', code: 'SEAT_TAKEN' });
    expect(await stateOf(request)).toEqual(before);
    expect(await bookingsOf(request)).toEqual([]);

    otherApi.thaw();
    const booking = bookingOf(await askedNext)!;
    expect(await bookingsOf(next)).toMatchObject([{ id: booking.id, status: 'PENDING' }]);
    await waitFor(async () => (await lockOf(request.seatId)) === null, {
      description: 'the lock to be released',
    });
    expect(await stateOf(request)).toEqual({ ...before, lock: null });
  });
});
