import {
  createPrivateStack,
  makeEvent,
  startReplica,
  waitFor,
  withinDeadline,
  type PostgresServer,
  type PrivateStack,
} from '@ticketing/testkit';
import pg from 'pg';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SeatCoreError } from '../../src/errors.ts';
import type { SeatMessage } from '../../src/live/subscription.ts';
import { anyone } from '../../src/records/ownership.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openSeatCore } from '../../src/open-seat-core.ts';
import type { SeatMap } from '../../src/seats/seat-map.ts';

let stack: PrivateStack;
let replica: PostgresServer;
let replicaUrl: string;
let onReplica: pg.Client;
let core: SeatCore;
const registry = new Registry();

beforeAll(async () => {
  stack = await createPrivateStack();
  replica = await startReplica(stack);
  replicaUrl = replica.url('postgres');
  onReplica = new pg.Client({ connectionString: replicaUrl });
  onReplica.on('error', () => undefined);
  await onReplica.connect();
  core = await openSeatCore({
    databaseUrl: stack.databaseUrl,
    databaseReplicaUrl: replicaUrl,
    redisUrl: stack.redisUrl,
    databasePoolMax: 4,
    registry,
  });
});
afterAll(async () => {
  await core.close();
  await onReplica.end();
  await replica.stop();
  await stack.dispose();
});

/** The first map that is younger than this call. */
async function mapFromNow(eventId: string): Promise<SeatMap> {
  const calledAt = Date.now();
  return waitFor(
    async () => {
      const map = await core.getSeatMap({ eventId });
      return map.asOf.getTime() > calledAt ? map : undefined;
    },
    { description: 'a map that is younger than the call' },
  );
}

async function reads(from: 'replica' | 'primary'): Promise<number> {
  const values = (await registry.getSingleMetric('replica_reads_total')?.get())?.values ?? [];
  return values.find(({ labels }) => labels['from'] === from)?.value ?? 0;
}

/** Reads events, lists, free seats and maps. @returns how many of the reads each server answered */
async function readAll(eventId: string): Promise<{ replica: number; primary: number }> {
  const before = { replica: await reads('replica'), primary: await reads('primary') };
  await core.listEvents();
  await core.getEvent({ eventId });
  await core.getSeatMap({ eventId });
  await core.listAvailableSeats({ eventId });
  return {
    replica: (await reads('replica')) - before.replica,
    primary: (await reads('primary')) - before.primary,
  };
}

const isReplicaDegraded = () => core.listDegradedDependencies().some(({ name }) => name === 'replica');

describe('with a replica', () => {
  it('events, lists and maps are read from the replica, and decisions are made on the primary', async () => {
    const { eventId, seatIds } = await makeEvent(core, { seats: 3 });
    await waitFor(async () => (await readAll(eventId)).replica > 0, {
      description: 'a read of the replica',
    });
    // A replica on a busy machine may lag for longer than a reader waits; the primary answers then.
    await waitFor(
      async () => {
        const other = await makeEvent(core, { seats: 2 });
        const before = { replica: await reads('replica'), primary: await reads('primary') };
        expect((await core.listAvailableSeats({ eventId: other.eventId })).seats).toHaveLength(2);
        const since = {
          replica: (await reads('replica')) - before.replica,
          primary: (await reads('primary')) - before.primary,
        };
        expect(since.replica + since.primary).toBe(1);
        return since.replica === 1;
      },
      { description: 'a list of free seats that the replica answered' },
    );
    const held = await core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await core.confirmBooking({ bookingId: held.id, ownedBy: anyone, actor: 'test' });
    expect(isReplicaDegraded()).toBe(false);
  });

  it('a map read from the replica has every commit before its asOf', async () => {
    const { eventId, seatIds } = await makeEvent(core, { seats: 40 });
    for (const [index, seatId] of seatIds.slice(0, 5).entries()) {
      await core.holdSeats({ seatIds: [seatId], userId: `user-${index}` });
      const map = await mapFromNow(eventId);
      expect(map.seats.find(({ id }) => id === seatId)?.status).toBe('RESERVED');
    }
  });

  it('a replica that lags by seconds is not read: maps stay true, and decisions use no stale state', async () => {
    const { eventId, seatIds } = await makeEvent(core, { seats: 4 });
    await onReplica.query('select pg_wal_replay_pause()');
    const before = await reads('primary');
    const held = await core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    const map = await mapFromNow(eventId);
    expect(map.seats.find(({ id }) => id === held.seats[0]!.id)?.status).toBe('RESERVED');
    expect(await reads('primary')).toBeGreaterThan(before);
    expect(isReplicaDegraded()).toBe(true);

    const fresh = await makeEvent(core, { seats: 2 });
    expect(fresh.seatIds).toHaveLength(2);
    await core.releaseBooking({ bookingId: held.id, ownedBy: anyone, actor: 'test' });
    await expect(core.holdSeats({ seatIds: [seatIds[0]], userId: 'budi' })).resolves.toMatchObject({
      status: 'PENDING',
    });
    await waitFor(
      async () => {
        const lag = (await registry.getSingleMetric('replica_lag_seconds')?.get())?.values[0]?.value ?? 0;
        return lag > 1;
      },
      { description: 'replica_lag_seconds to rise', timeoutMs: 10_000 },
    );

    await onReplica.query('select pg_wal_replay_resume()');
    await waitFor(() => !isReplicaDegraded(), { description: 'the replica to be used again' });
    await waitFor(async () => (await readAll(eventId)).replica > 0, {
      description: 'a read of the replica',
    });
  });

  it('a replica that lags takes no change back from a subscription, and lists no held seat as free', async () => {
    const { eventId, seatIds } = await makeEvent(core, { seats: 3 });
    const [first, ...free] = seatIds;
    await waitFor(() => !isReplicaDegraded(), { description: 'the replica to be used' });
    const messages: SeatMessage[] = [];
    using subscription = await core.subscribeToSeats({
      eventId,
      onMessage: (message) => void messages.push(message),
    });
    await onReplica.query('select pg_wal_replay_pause()');
    try {
      await core.holdSeats({ seatIds: [first], userId: 'ani' });
      const heldAt = Date.now();
      const list = await waitFor(
        async () => {
          const read = await core.listAvailableSeats({ eventId });
          return read.asOf.getTime() > heldAt ? read : undefined;
        },
        { description: 'a list that is younger than the hold' },
      );
      expect(list.seats.map(({ id }) => id).toSorted()).toEqual(free.toSorted());

      const compared = async () => (await reads('replica')) + (await reads('primary'));
      const before = await compared();
      await waitFor(async () => (await compared()) >= before + 2, {
        description: 'two comparisons with the database',
        timeoutMs: 10_000,
      });
      expect(messages).toEqual([{ type: 'delta', seats: [{ id: first, status: 'RESERVED' }] }]);
      expect(subscription.snapshot().seats).toEqual([{ id: first, status: 'RESERVED' }]);

      const late = await makeEvent(core, { seats: 2 });
      await core.holdSeats({ seatIds: [late.seatIds[0]], userId: 'ani' });
      using begun = await core.subscribeToSeats({ eventId: late.eventId, onMessage: () => undefined });
      expect(begun.snapshot().seats).toEqual([{ id: late.seatIds[0], status: 'RESERVED' }]);
    } finally {
      await onReplica.query('select pg_wal_replay_resume()');
    }
  });

  it('a replica is not reported as down while its primary is', async () => {
    await waitFor(() => !isReplicaDegraded(), { description: 'the replica to be used' });
    await stack.postgres.stop();
    await waitFor(
      async () => {
        const refused = await core.listEvents().then(
          () => undefined,
          (error: SeatCoreError) => error.code,
        );
        return refused === 'DEPENDENCY_UNAVAILABLE';
      },
      { description: 'the primary to be reported as down' },
    );
    expect(isReplicaDegraded()).toBe(false);
    await stack.postgres.start();
    const { eventId } = await waitFor(() => makeEvent(core, { seats: 1 }).catch(() => undefined), {
      description: 'the primary to be used again',
    });
    await waitFor(async () => (await readAll(eventId)).replica > 0, {
      description: 'a read of the replica',
      timeoutMs: 20_000,
    });
  });

  it('a replica that dies is not read from at once, and read again when it is back', async () => {
    const { eventId } = await makeEvent(core, { seats: 2 });
    replica.process.signal('SIGKILL');
    await replica.process.exited;
    await withinDeadline('reads without the replica', 2_000, async () => {
      await core.listEvents();
      expect((await core.getEvent({ eventId })).id).toBe(eventId);
    });
    await waitFor(() => isReplicaDegraded(), { description: 'the replica to be reported as down' });

    replica = await startReplica(stack, replica.port);
    await waitFor(() => !isReplicaDegraded(), {
      description: 'the replica to be used again',
      timeoutMs: 20_000,
    });
    await waitFor(async () => (await readAll(eventId)).replica > 0, {
      description: 'a read of the replica',
    });
  });

  it('a replica that became a primary is not read', async () => {
    const { eventId, seatIds } = await makeEvent(core, { seats: 2 });
    await waitFor(() => !isReplicaDegraded(), { description: 'the replica to be used' });
    const promoting = new pg.Client({ connectionString: replicaUrl });
    await promoting.connect();
    await promoting.query('select pg_promote()');
    await promoting.end();
    await waitFor(() => isReplicaDegraded(), { description: 'the other primary to be reported' });
    await core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    const map = await mapFromNow(eventId);
    expect(map.seats[0]!.status).toBe('RESERVED');
  });
});
