import type { Redis } from 'ioredis';
import type pg from 'pg';
import { connectAdmin, createAdminClient } from '../postgres/session.ts';
import { dropAvailableLists } from '../redis/available-lists.ts';
import { closeRedis, openRedis } from '../redis/connect.ts';
import { cacheSeatStatuses } from '../redis/gatekeeper.ts';
import { withNames, type RedisClient } from '../redis/keys.ts';
import { InputCheck } from '../validation.ts';
import { createRetirementIndex, dropRetirementIndex, listRetirableEvents } from './retention.sql.ts';
import { retireEvent, type RetiredEvent, type RetireEventInput } from './retire-event.ts';

export interface RetentionOptions {
  /** `postgres://…` of the role that owns the tables: the role of the services may not delete. */
  readonly databaseUrl: string;
  /** `redis://…` of the services: the status keys of sold seats never expire, so retiring deletes them. */
  readonly redisUrl: string;
  /** That of the services, default none. */
  readonly redisKeyPrefix?: string;
}

/** An event that may be retired, and how many rows it has. */
export interface RetirableEvent {
  readonly id: string;
  readonly name: string;
  readonly startsAt: Date;
  readonly seats: number;
  readonly records: number;
}

/** Retires events that are long over. `close` drops its index and closes its connections. */
export interface Retention extends AsyncDisposable {
  /** Events that began at least `keptDays` (30–36,500) ago and had no transition for a day, oldest first. */
  listRetirable(input: { readonly keptDays: number }): Promise<RetirableEvent[]>;
  /**
   * Writes all rows of such an event into an archive and deletes them, in one transaction: all of them, so that audit
   * and rebuild hold before and after, or none.
   */
  retireEvent(input: RetireEventInput): Promise<RetiredEvent>;
  /** As `[Symbol.asyncDispose]`. */
  close(): Promise<void>;
}

/** Refunds and complaints need an event for some time after it is over. */
const shortestKeptDays = 30;
/** As PostgreSQL shows it. */
const statementTimeout = '10min';

/** Opens connections of its own. @throws the driver's error when PostgreSQL or Redis cannot be reached */
export async function openRetention(options: RetentionOptions): Promise<Retention> {
  const client = createAdminClient({
    databaseUrl: options.databaseUrl,
    applicationName: 'seat-core-retention',
    statementTimeout,
  });
  client.on('error', () => undefined);
  let redis: Redis | undefined;
  let hasIndex = false;
  const close = async () => {
    if (redis !== undefined) await closeRedis(redis);
    await client.end();
  };
  try {
    await connectAdmin(client, statementTimeout);
    redis = await openRedis({ redisUrl: options.redisUrl });
    await redis.ping();
  } catch (error) {
    await close();
    throw error;
  }
  const dropKeys = dropKeysIn(withNames(redis, options.redisKeyPrefix));
  const end = async () => {
    try {
      if (hasIndex) await client.query(dropRetirementIndex);
    } finally {
      await close();
    }
  };
  return {
    listRetirable: async (input) => listRetirable(client, checkKeptDays(input)),
    async retireEvent(input) {
      checkKeptDays(input);
      if (!hasIndex) {
        // Also what a killed run left behind, complete or not.
        await client.query(dropRetirementIndex);
        await client.query(createRetirementIndex);
        hasIndex = true;
      }
      return retireEvent(client, dropKeys, input);
    },
    close: end,
    [Symbol.asyncDispose]: end,
  };
}

function checkKeptDays(input: { readonly keptDays: number }): number {
  const check = new InputCheck(input);
  const keptDays = check.integer('/keptDays', input.keptDays, shortestKeptDays, 36_500);
  check.throwIfAny();
  return keptDays;
}

async function listRetirable(client: pg.Client, keptDays: number): Promise<RetirableEvent[]> {
  return (await client.query<RetirableEvent>(listRetirableEvents, [keptDays])).rows;
}

function dropKeysIn(redis: RedisClient) {
  return async (eventId: string, seatIds: readonly string[]): Promise<void> => {
    await cacheSeatStatuses(
      redis,
      seatIds.map((seatId) => ({ seatId, status: 'AVAILABLE' })),
    );
    await dropAvailableLists(redis, eventId);
  };
}
