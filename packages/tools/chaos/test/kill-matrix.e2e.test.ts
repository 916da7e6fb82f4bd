import { randomUUID } from 'node:crypto';
import { deadlineFactor, waitFor } from '@ticketing/testkit';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { bookingOf } from '../src/history.ts';
import { effort } from './effort.ts';
import { graceMs, useKillCluster } from './kill-cluster.ts';

/*
 * The engine is ended exactly where it hurts (packages/seat-core/testing/failpoint.mjs), and what it left is
 * looked at. The numbers are those of the kill matrix in docs/reliability.md.
 */

const {
  theCluster,
  first,
  second,
  freshWish,
  hold,
  settle,
  dieAt,
  inDatabase,
  inRedis,
  bookingsOf,
  seatStatus,
  expectEndsOnTime,
  expectRetryFinds,
  expectRetrySays,
  heldBooking,
} = useKillCluster();

const timesEach = Array.from({ length: effort.kills }, (_, index) => index + 1);
/** What `npm test` leaves out. */
const whenLong = effort.isLong ? timesEach : [];

describe.each(whenLong)('booking-api dies, time %i', () => {
  it('K1, with the lock and before its statement: nothing is held, and the lock ends by itself', async () => {
    const wish = freshWish();
    const { result } = await dieAt(first('booking-api'), 'hold-locked', () =>
      hold(first('booking-api'), wish),
    );
    expect(result.kind).toBe('unknown');
    expect(await bookingsOf(wish.userId)).toEqual([]);
    await waitFor(() => inRedis(async (redis) => (await redis.exists(`lock:seat:${wish.seatId}`)) === 0), {
      description: 'the lock to end',
    });
    expect((await hold(second('booking-api'), wish)).result.kind).toBe('done');
  });

  it('K2, its statement sent and the reply not read: the retry says what happened', async () => {
    const wish = freshWish();
    const { done } = theCluster().links.postgres.swallowReplyTo('hold-seats');
    const asking = hold(first('booking-api'), wish);
    await done;
    await first('booking-api').kill();
    expect((await asking).result.kind).toBe('unknown');
    await first('booking-api').revive();
    // The connection went while the server was at it: all of it is there, or nothing.
    await expectRetrySays(wish, await bookingsOf(wish.userId));
    await expectEndsOnTime(wish);
  });

  it('K3, committed and nobody told: the hold is there, and ends without a job', async () => {
    const wish = freshWish();
    await dieAt(first('booking-api'), 'hold-committed', () => hold(first('booking-api'), wish));
    await expectRetryFinds(wish);
    await expectEndsOnTime(wish);
  });

  it('K4, with its job added and its key not written: the database says no', async () => {
    const wish = freshWish();
    const ask = () => hold(first('booking-api'), wish);
    await dieAt(first('booking-api'), 'hold-job-added', ask, async () => {
      const [booking] = await bookingsOf(wish.userId);
      await inRedis(async (redis) => {
        expect(await redis.exists(`bull:ticket-cleanup:b-${booking!.id}`)).toBe(1);
        await redis.del(`status:seat:${wish.seatId}`, `lock:seat:${wish.seatId}`);
      });
      const other = await hold(second('booking-api'), { ...wish, userId: 'other', key: randomUUID() });
      expect(other.result).toMatchObject({ kind: 'refused', code: 'SEAT_TAKEN' });
    });
    await expectRetryFinds(wish);
    await expectEndsOnTime(wish);
  });

  it('K5, everybody told and the lock not given back: the next buyer waits for the lock at most', async () => {
    const wish = freshWish();
    const ask = () => hold(first('booking-api'), wish);
    await dieAt(first('booking-api'), 'hold-announced', ask, async () => {
      expect(await inRedis((redis) => redis.get(`status:seat:${wish.seatId}`))).toBe('RESERVED');
      expect(await inRedis((redis) => redis.exists(`lock:seat:${wish.seatId}`))).toBe(1);
    });
    const [booking] = await bookingsOf(wish.userId);
    await settle(second('booking-api'), 'release', { id: booking!.id, userId: wish.userId });
    const next = { ...wish, userId: `next-${wish.userId}`, key: randomUUID() };
    const answers = new Set<string>();
    await waitFor(
      async () => {
        const { result } = await hold(second('booking-api'), next);
        answers.add(result.kind === 'refused' ? result.code : result.kind);
        return result.kind === 'done';
      },
      { description: 'the seat to be sold again' },
    );
    expect([...answers].filter((answer) => answer !== 'SEAT_LOCKED')).toEqual(['done']);
  });

  it('K6, all done and not answered: the retry is answered the same', async () => {
    const wish = freshWish();
    const ask = () => hold(first('booking-api'), wish);
    await dieAt(first('booking-api'), 'hold-done', ask, async () => {
      expect(await inRedis((redis) => redis.get(`status:seat:${wish.seatId}`))).toBe('RESERVED');
      expect(await inRedis((redis) => redis.exists(`lock:seat:${wish.seatId}`))).toBe(0);
    });
    await expectRetryFinds(wish);
    await expectEndsOnTime(wish);
  });
});

describe.each(timesEach)('payment-api dies, time %i', () => {
  const moments = [
    ['committed, with nobody told', 'settle-committed', 'CONFIRMED', 'SOLD'],
    ['before its statement', 'confirm-asked', 'PENDING', 'RESERVED'],
    ['all done and not answered', 'confirm-done', 'CONFIRMED', 'SOLD'],
  ] as const;
  it.each(effort.isLong ? moments : moments.slice(0, 1))(
    'K7, %s: the booking is whole, and paying again is safe',
    async (_moment, failpoint, status, seat) => {
      const wish = freshWish();
      const payment = first('payment-api');
      await payment.kill();
      await payment.revive({ FAILPOINT: failpoint });
      const booking = await heldBooking(wish);
      const key = randomUUID();
      expect((await settle(payment, 'confirm', booking, key)).result.kind).toBe('unknown');
      await payment.gone();
      expect((await bookingsOf(wish.userId)).map((row) => row.status)).toEqual([status]);
      expect(await seatStatus(wish.seatId)).toBe(seat);
      const again = await settle(second('payment-api'), 'confirm', booking, key);
      expect(again.result).toMatchObject({
        kind: 'done',
        isReplay: status === 'CONFIRMED',
      });
      expect(bookingOf(again)?.status).toBe('CONFIRMED');
      await waitFor(
        async () => (await inRedis((redis) => redis.get(`status:seat:${wish.seatId}`))) === 'SOLD',
        { description: 'the key to be mended', timeoutMs: graceMs },
      );
      await payment.revive();
    },
  );
});

describe.each(whenLong)('expiry-worker dies, time %i', () => {
  it.each([
    ['K9, with a job taken and before its statement', 'expire-asked'],
    ['K10, committed and nobody told', 'expire-committed'],
    // Not the first one, which comes before anybody knows that the process is there.
    ['K11, between two rounds of the sweep', 'sweep-round:4'],
  ])('%s: the hold ends once, and its seat sells', async (_moment, failpoint) => {
    const wish = freshWish();
    await dieAt(first('expiry-worker'), failpoint, () => heldBooking(wish));
    await waitFor(async () => (await bookingsOf(wish.userId)).every(({ status }) => status === 'EXPIRED'), {
      description: 'the hold to end',
      timeoutMs: theCluster().settings.holdSeconds * 1_000 + graceMs,
    });
    const next = { ...wish, userId: `next-${wish.userId}`, key: randomUUID() };
    await waitFor(async () => (await hold(second('booking-api'), next)).result.kind === 'done', {
      description: 'the seat to be sold again',
      timeoutMs: graceMs,
    });
    expect(await bookingsOf(wish.userId)).toHaveLength(1);
  });

  it('K11, in the middle of a sweep: all or nothing of it, and none twice', async () => {
    const wishes = Array.from({ length: 4 }, () => freshWish());
    const worker = first('expiry-worker');
    await worker.kill();
    for (const wish of wishes) await heldBooking(wish);
    await inRedis((redis) => redis.flushall());
    await inDatabase(async (client) => {
      // The sweep has the bookings and waits for this seat when its process dies.
      await client.query('begin');
      await client.query('select from seats where id = $1 for update', [wishes[3]!.seatId]);
      await waitFor(async () => (await bookingsOf(wishes[3]!.userId))[0]!.late > 0, {
        description: 'the deadline',
      });
      await worker.revive();
      await waitFor(
        () =>
          inDatabase(async (watcher) => {
            const { rowCount } = await watcher.query(
              `select from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'expiry-worker'`,
            );
            return rowCount! > 0;
          }),
        { description: 'the sweep to wait', timeoutMs: 10_000 },
      );
      await worker.kill();
      await client.query('rollback');
    });
    await worker.revive();
    for (const wish of wishes) {
      await waitFor(async () => (await bookingsOf(wish.userId))[0]!.status === 'EXPIRED', {
        description: 'the hold to end',
        timeoutMs: graceMs,
      });
      expect(await seatStatus(wish.seatId)).toBe('AVAILABLE');
    }
  });
});

describe.each(whenLong)('a server fails while seats are held, time %i', () => {
  it.each<[string, () => Promise<unknown>]>([
    [
      'is killed and comes back empty',
      () =>
        theCluster()
          .redis.kill()
          .then(() => theCluster().redis.start()),
    ],
    ['forgets everything', () => inRedis((redis) => redis.flushall())],
    ['ends every connection', () => inRedis((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'normal'))],
    [
      'is frozen for a second',
      async () => {
        await theCluster().redis.freeze();
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        await theCluster().redis.thaw();
      },
    ],
  ])('K12, Redis %s: the hold ends on time', async (_what, fail) => {
    const wish = freshWish();
    await heldBooking(wish);
    await fail();
    await expectEndsOnTime(wish);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'is killed and recovers',
      () =>
        theCluster()
          .postgres.kill()
          .then(() => theCluster().postgres.start()),
    ],
    [
      'ends every session',
      () =>
        inDatabase((client) =>
          client.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename is not null`,
          ),
        ),
    ],
    [
      'is frozen for a second',
      async () => {
        await theCluster().postgres.freeze();
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        await theCluster().postgres.thaw();
      },
    ],
  ])('K13, PostgreSQL %s: what was acknowledged is there, and selling goes on', async (_what, fail) => {
    const wish = freshWish();
    const booking = await heldBooking(wish);
    await fail();
    expect((await bookingsOf(wish.userId)).map(({ id }) => id)).toEqual([booking.id]);
    const next = freshWish();
    await waitFor(async () => (await hold(second('booking-api'), next)).result.kind === 'done', {
      description: 'a seat to be sold again',
      timeoutMs: graceMs,
    });
    await waitFor(async () => (await bookingsOf(wish.userId))[0]!.status === 'EXPIRED', {
      description: 'the hold to end',
      timeoutMs: theCluster().settings.holdSeconds * 1_000 + graceMs,
    });
  });

  it('K13, PostgreSQL has no connection left: said so in time, and selling goes on when it has', async () => {
    const foreign: pg.Client[] = [];
    const takeAll = async (): Promise<void> => {
      for (;;) {
        const client = new pg.Client({ connectionString: theCluster().databaseUrl });
        client.on('error', () => undefined);
        try {
          await client.connect();
        } catch {
          return;
        }
        foreign.push(client);
      }
    };
    const wish = freshWish();
    await takeAll();
    try {
      await waitFor(
        async () => {
          const { rowCount } = await foreign[0]!.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where application_name in ('booking-api', 'payment-api', 'expiry-worker')`,
          );
          await takeAll();
          return rowCount === 0;
        },
        { description: 'every connection to be in foreign hands' },
      );
      const operation = await hold(second('booking-api'), wish);
      expect(operation.result).toMatchObject({ kind: 'refused', code: 'DEPENDENCY_UNAVAILABLE' });
      expect(operation.completedAt - operation.invokedAt).toBeLessThan(2_000 * deadlineFactor());
    } finally {
      await Promise.all(foreign.map((client) => client.end()));
    }
    await waitFor(async () => (await hold(second('booking-api'), wish)).result.kind === 'done', {
      description: 'the seat to be sold',
      timeoutMs: graceMs,
    });
    await expectEndsOnTime(wish);
  });

  it('K13, a foreign session keeps the row of a seat: its buyers are told to come again, in time', async () => {
    const wish = freshWish();
    await inDatabase(async (client) => {
      await client.query('begin');
      await client.query('select from seats where id = $1 for update', [wish.seatId]);
      const operation = await hold(second('booking-api'), wish);
      expect(operation.result).toMatchObject({ kind: 'refused', code: 'SEAT_LOCKED' });
      expect(operation.completedAt - operation.invokedAt).toBeLessThan(2_000 * deadlineFactor());
      await client.query('rollback');
    });
    expect((await hold(second('booking-api'), wish)).result.kind).toBe('done');
  });
});
