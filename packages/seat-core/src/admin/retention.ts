import type { Redis } from 'ioredis';
import pg from 'pg';
import { forgetAvailableSeats } from '../seats/available-seats.ts';
import { InputCheck } from '../validation.ts';
import { closeRedis, openRedis } from '../redis/connect.ts';
import { retirable, retireEvent, type RetiredEvent, type RetireEventInput } from './retire-event.ts';
import { cacheSeatStatus } from '../redis/gatekeeper.ts';

export interface RetentionOptions {
  /** `postgres://…` of the role that owns the tables: the one of the services may not delete. */
  readonly databaseUrl: string;
  /** Of the services: the status keys of sold seats have no end of their own. */
  readonly redisUrl: string;
}

/** An event that may be retired, and what it would take along. */
export interface RetirableEvent {
  readonly id: string;
  readonly name: string;
  readonly startsAt: Date;
  readonly seats: number;
  readonly records: number;
}

/** What ends the time for which events are kept. Disposing takes down what it put up and closes its connections. */
export interface Retention extends AsyncDisposable {
  /** Events that began at least `keptDays` (30–36,500) ago and about which nothing was recorded for a day, oldest first. */
  listRetirable(input: { readonly keptDays: number }): Promise<RetirableEvent[]>;
  /**
   * Writes all there is about one such event into an archive and deletes it, in one transaction: whole, so that audit and
   * replay hold before and after, or not at all.
   */
  retireEvent(input: RetireEventInput): Promise<RetiredEvent>;
}

/** For an event that is over no sale needs longer; nobody is kept waiting for this long either. */
const shortestKeptDays = 30;

/** While it is there, whoever deletes a seat finds that no line needs it without reading all lines of its event. */
const indexName = 'booking_seats_retirement_idx';

/**
 * @throws the driver's error when PostgreSQL or Redis cannot be reached
 */
export async function openRetention(options: RetentionOptions): Promise<Retention> {
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: 'seat-core-retention',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    statement_timeout: 600_000,
  });
  client.on('error', () => undefined);
  let redis: Redis | undefined;
  let hasIndex = false;
  const close = async () => {
    if (redis !== undefined) await closeRedis(redis);
    await client.end();
  };
  try {
    await client.connect();
    redis = await openRedis({ redisUrl: options.redisUrl });
    await redis.ping();
  } catch (error) {
    await close();
    throw error;
  }
  const forgetSeats = forgetSeatsIn(redis);
  return {
    listRetirable: async (input) => listRetirable(client, checkKeptDays(input.keptDays)),
    async retireEvent(input) {
      checkKeptDays(input.keptDays);
      if (!hasIndex) {
        await dropIndex(client);
        // Deleting 200 of 100,000 seats takes 2 to 3 s without it and 20 ms with it; making it, 0.6 s.
        await client.query(`create index concurrently ${indexName} on booking_seats (event_id, seat_id)`);
        hasIndex = true;
      }
      return retireEvent(client, forgetSeats, input);
    },
    async [Symbol.asyncDispose]() {
      try {
        if (hasIndex) await dropIndex(client);
      } finally {
        await close();
      }
    },
  };
}

/** Also what a run that was killed left behind, whole or not. */
async function dropIndex(client: pg.Client): Promise<void> {
  await client.query(`drop index concurrently if exists ${indexName}`);
}

function checkKeptDays(keptDays: number): number {
  const check = new InputCheck();
  check.integer('/keptDays', keptDays, shortestKeptDays, 36_500);
  check.throwIfAny();
  return keptDays;
}

async function listRetirable(client: pg.Client, keptDays: number): Promise<RetirableEvent[]> {
  const { rows } = await client.query<RetirableEvent>(
    `select event.id, event.name, event.starts_at as "startsAt",
            (select count(*)::int from seats where seats.event_id = event.id) as seats,
            (select count(*)::int from booking_events record where record.event_id = event.id) as records
     from events event
     where ${retirable('event')}
     order by event.starts_at, event.id`,
    [keptDays],
  );
  return rows;
}

function forgetSeatsIn(redis: Redis) {
  return async (eventId: string, seatIds: readonly string[]): Promise<void> => {
    await Promise.all(seatIds.map((seatId) => cacheSeatStatus(redis, { seatId, status: 'AVAILABLE' })));
    await forgetAvailableSeats(redis, eventId);
  };
}
