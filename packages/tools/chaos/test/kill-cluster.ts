import { randomUUID } from 'node:crypto';
import { auditViolations, deadlineFactor, waitFor } from '@ticketing/testkit';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { startCluster, type Cluster } from '../src/cluster/cluster.ts';
import type { Member } from '../src/cluster/member.ts';
import { withDatabase, withRedis } from '../src/cluster/stores.ts';
import { bookingOf, type BookingAnswer, type Operation } from '../src/history.ts';
import { openHall } from '../src/workload/hall.ts';
import { sendRequest } from '../src/workload/send-request.ts';
import { effort } from './effort.ts';

/** How late a hold may end. */
export const graceMs = 2_000;

export interface Wish {
  readonly userId: string;
  readonly seatId: string;
  readonly key: string;
}

/** The engine with failpoints, for the tests of one file, and what they ask of it. Its tables are audited after each. */
export function useKillCluster() {
  let cluster: Cluster;
  let seats: string[];

  beforeAll(async () => {
    cluster = await startCluster({
      holdSeconds: 2,
      each: { 'booking-api': 2, 'payment-api': 2, 'expiry-worker': 1 },
      nodeFlags: ['--conditions=failpoints'],
    });
    const hall = await openHall(cluster.membersOf('booking-api')[0]!.url, 400);
    seats = [...hall.seatIds];
  }, effort.timeoutMs);
  afterAll(() => cluster[Symbol.asyncDispose]());
  afterEach(async () => {
    expect(await auditViolations(cluster.databaseUrl)).toEqual([]);
  });

  const first = (name: Member['name']) => cluster.membersOf(name)[0]!;
  const second = (name: Member['name']) => cluster.membersOf(name)[1]!;
  const freshSeat = () => seats.pop()!;

  const freshWish = (userId = `user-${randomUUID()}`): Wish => ({
    userId,
    seatId: freshSeat(),
    key: randomUUID(),
  });

  async function hold(member: Member, { userId, seatId, key }: Wish): Promise<Operation> {
    return sendRequest({ member, kind: 'hold', userId, seatIds: [seatId], bookingId: undefined, key });
  }

  async function settle(
    member: Member,
    kind: 'confirm' | 'release',
    booking: { readonly id: string; readonly userId: string },
    key: string = randomUUID(),
  ): Promise<Operation> {
    return sendRequest({ member, kind, userId: booking.userId, seatIds: [], bookingId: booking.id, key });
  }

  /**
   * Ends the process at the given moment of what `work` asks of it, and brings it back without the trap.
   *
   * @param look at what it left, before it is back: that takes longer than some of it stays
   */
  async function dieAt<T>(
    member: Member,
    failpoint: string,
    work: () => Promise<T>,
    look: () => Promise<void> = async () => undefined,
  ): Promise<T> {
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

  async function bookingsOf(userId: string): Promise<{ id: string; status: string; late: number }[]> {
    return inDatabase(async (client) => {
      const { rows } = await client.query<{ id: string; status: string; late: number }>(
        `select id, status, (extract(epoch from clock_timestamp() - expires_at) * 1000)::float8 as late
         from bookings where user_id = $1`,
        [userId],
      );
      return rows;
    });
  }

  async function seatStatus(seatId: string): Promise<string> {
    return inDatabase(async (client) => {
      const { rows } = await client.query<{ status: string }>('select status from seats where id = $1', [
        seatId,
      ]);
      return rows[0]!.status;
    });
  }

  /** By job, sweep or reclaim: at the deadline, and not more than two seconds later; once. */
  async function expectEndsOnTime({ userId, seatId }: Wish): Promise<void> {
    await waitFor(async () => (await bookingsOf(userId)).every(({ status }) => status !== 'PENDING'), {
      description: 'the hold to end',
      timeoutMs: cluster.settings.holdSeconds * 1_000 + graceMs,
    });
    const ends = await inDatabase(async (client) => {
      const { rows } = await client.query<{ late: number }>(
        `select (extract(epoch from ended.at - booking.expires_at) * 1000)::float8 as late
         from bookings booking
         join booking_events ended on ended.booking_id = booking.id and ended.to_status = 'EXPIRED'
         where booking.user_id = $1`,
        [userId],
      );
      return rows;
    });
    expect(ends).toHaveLength(1);
    expect(ends[0]!.late).toBeGreaterThanOrEqual(0);
    expect(ends[0]!.late).toBeLessThan(graceMs * deadlineFactor());
    expect(await seatStatus(seatId)).toBe('AVAILABLE');
  }

  /** Whoever lost the answer finds the one booking there is, by its key. */
  async function expectRetryFinds(wish: Wish): Promise<void> {
    const stored = await bookingsOf(wish.userId);
    expect(stored).toHaveLength(1);
    await expectRetrySays(wish, stored);
  }

  /** @param stored what the request has made: its booking, or nothing */
  async function expectRetrySays(wish: Wish, stored: readonly { readonly id: string }[]): Promise<void> {
    const again = await hold(second('booking-api'), wish);
    expect(again.result).toMatchObject({ kind: 'done', status: 201, isReplay: stored.length > 0 });
    const bookings = await bookingsOf(wish.userId);
    expect(bookings.map(({ id }) => id)).toEqual([bookingOf(again)?.id]);
    if (stored.length > 0) expect(bookings[0]!.id).toBe(stored[0]!.id);
  }

  async function heldBooking(wish: Wish): Promise<BookingAnswer> {
    return bookingOf(await hold(second('booking-api'), wish))!;
  }

  return {
    /** Once the tests run. */
    theCluster: () => cluster,
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
  };
}
