import type { Redis } from 'ioredis';
import type { Registry } from 'prom-client';
import {
  AvailableSeatsReader,
  type AvailableSeats,
  type ListAvailableSeatsInput,
} from './seats/available-seats.ts';
import type { Context, SeatCoreLogger, SeatCoreSettings } from './options.ts';
import { Connections } from './postgres/connections.ts';
import { readConnectionLimits, type ConnectionLimits } from './postgres/connection-limits.ts';
import { createEvent, type CreateEventInput } from './events/create-event.ts';
import type { Database } from './postgres/pool.ts';
import { EventReader, type EventPage, type ListEventsInput } from './events/event-reader.ts';
import {
  commitExpirations,
  expireBookings,
  sweepOverdue,
  type ExpireBookingsResult,
} from './expiry/expire-bookings.ts';
import { listFaultyParts, type FaultyPart } from './health.ts';
import {
  findBooking,
  listLiveBookings,
  type GetBookingInput,
  type ListLiveBookingsInput,
} from './bookings/get-booking.ts';
import { commitHolds } from './hold/commit-holds.ts';
import { GroupCommit } from './postgres/group-commit.ts';
import type { Replayable } from './idempotency/idempotency.ts';
import { holdSeats, type HoldSeatsInput } from './hold/hold-seats.ts';
import { measureClockOffset } from './measure-clock-offset.ts';
import { createMetrics, exportPoolConnections } from './metrics.ts';
import { createOutageRepair } from './announce/outage-repair.ts';
import { purgeIdempotencyKeys } from './idempotency/purge-keys.ts';
import { guardExpiryQueue, guardRedis } from './redis/redis-parts.ts';
import { repairCache } from './announce/repair.ts';
import { SeatMapReader, type SeatMap } from './seats/seat-map.ts';
import {
  commitSettlements,
  confirmBooking,
  releaseBooking,
  type SettleBookingInput,
} from './bookings/settle-booking.ts';
import { confirmBookingsStatement, releaseBookingsStatement } from './bookings/transitions.sql.ts';
import { readLogPosition, Replica } from './postgres/replica.ts';
import { readRows, type NamedStatement } from './postgres/statement.ts';
import type { Booking, TicketedEvent } from './types.ts';
import { SeatFeeds, type SeatWatch, type WatchSeatsInput } from './live/watch-seats.ts';

export interface SeatCoreOptions extends Partial<SeatCoreSettings> {
  /** From `openDatabase`. */
  readonly database: Database;
  /** From `openRedis`: locks, caches and change messages. */
  readonly redis: Redis;
  /** From `openQueueRedis`: where clean-up jobs are added. Without one, holds end by the sweep or the next buyer. */
  readonly queueRedis?: Redis;
  /** From `openDatabase`, a streaming replica: lists, counts and maps are read there while it has everything. */
  readonly replica?: Database;
  readonly logger?: SeatCoreLogger;
  /** Where the engine's metrics are registered; without one they are not shown. */
  readonly registry?: Registry;
}

/**
 * The verbs of the engine. Ids are UUIDs in either case; every verb throws `SeatCoreError` for what it
 * refuses: `code` says why. Beside the codes named below it is VALIDATION_FAILED for a malformed input,
 * DEPENDENCY_UNAVAILABLE when PostgreSQL does not answer (with `details.outcome` when a commit may have happened),
 * OVERLOADED when more is waiting than can be done in time, and with an idempotency key
 * IDEMPOTENCY_KEY_IN_PROGRESS or IDEMPOTENCY_KEY_REUSED. A Redis that does not answer fails none of them but
 * `repairCache` and `measureClockOffset`. Disposing waits for work that outlives its answer; the clients stay
 * their owner's.
 */
export interface SeatCore extends AsyncDisposable {
  /**
   * Holds seats for a user for `holdSeconds`: all of them or none, all of one event.
   * @throws SEAT_TAKEN, SEAT_LOCKED, SEAT_NOT_FOUND, HOLD_LIMIT_REACHED
   */
  holdSeats(input: HoldSeatsInput): Promise<Replayable<Booking>>;
  /**
   * Sells what a PENDING booking holds. Confirming a CONFIRMED booking again returns it unchanged.
   * @throws BOOKING_NOT_FOUND, BOOKING_EXPIRED, BOOKING_NOT_PENDING
   */
  confirmBooking(input: SettleBookingInput): Promise<Replayable<Booking>>;
  /**
   * Gives back what a PENDING booking holds. Releasing a CANCELLED booking again returns it unchanged.
   * @throws BOOKING_NOT_FOUND, BOOKING_NOT_PENDING
   */
  releaseBooking(input: SettleBookingInput): Promise<Replayable<Booking>>;
  /** Ends those of the given holds that are overdue by the database's clock; what a clean-up job calls. */
  expireBookings(input: { readonly bookingIds: readonly string[] }): Promise<ExpireBookingsResult>;
  /** Ends up to `limit` (1–500) overdue holds, whatever became of their jobs. @returns how many */
  sweepOverdue(input?: { readonly limit?: number }): Promise<number>;
  /** Mends the status keys of seats that changed in the last seconds (default 5). @returns how many */
  repairCache(input?: { readonly sinceSeconds?: number }): Promise<number>;
  /** Deletes up to `limit` (1–10,000, default 1,000) idempotency keys older than a day. @returns how many */
  purgeIdempotencyKeys(input?: { readonly limit?: number }): Promise<number>;
  /** @throws BOOKING_NOT_FOUND */
  getBooking(input: GetBookingInput): Promise<Booking>;
  /** A user's PENDING and CONFIRMED bookings of an event, the newest 100. */
  listLiveBookings(input: ListLiveBookingsInput): Promise<Booking[]>;
  /** A random choice of free seats, up to a second old. @throws EVENT_NOT_FOUND */
  listAvailableSeats(input?: ListAvailableSeatsInput): Promise<AvailableSeats>;
  /** Every seat of an event, up to a second old, serialized. @throws EVENT_NOT_FOUND */
  getSeatMap(input: { readonly eventId: string }): Promise<SeatMap>;
  /**
   * Follows the seats of an event, whoever changes them: by messages over Redis on a connection of its own, made good
   * from the database within 2 s, or by the database alone while Redis is away. @throws EVENT_NOT_FOUND
   */
  watchSeats(input: WatchSeatsInput): Promise<SeatWatch>;
  /** Makes an event with up to 100,000 seats, all or nothing. */
  createEvent(input: CreateEventInput): Promise<Replayable<TicketedEvent>>;
  /** @throws EVENT_NOT_FOUND */
  getEvent(input: { readonly eventId: string }): Promise<TicketedEvent>;
  listEvents(input?: ListEventsInput): Promise<EventPage>;
  /** Resolves when PostgreSQL answers. */
  ping(): Promise<void>;
  readConnectionLimits(): Promise<ConnectionLimits>;
  /** The parts without which the engine goes on for now, worse than it could; asks nobody. */
  listFaultyParts(): FaultyPart[];
  /** Seconds by which the clock of Redis is ahead of PostgreSQL's; also a metric. @throws DEPENDENCY_UNAVAILABLE */
  measureClockOffset(): Promise<number>;
}

const pingStatement: NamedStatement = { name: 'ping', text: 'select 1' };

const silent: SeatCoreLogger = { debug() {}, info() {}, warn() {}, error() {} };

/** Puts the engine on clients that the caller owns. See `openSeatCore` for the short way. */
export function createSeatCore(options: SeatCoreOptions): SeatCore {
  const { logger = silent } = options;
  const metrics = createMetrics(options.registry);
  const group = <Request, Outcome>(commit: (batch: readonly Request[]) => Promise<readonly Outcome[]>) =>
    new GroupCommit({ commit, onBatch: (size) => metrics.commitBatchSize.observe(size) });
  const stopping = new AbortController();
  const redis = guardRedis(options.redis, { metrics, logger, onReturn: (awayMs) => repairOutage(awayMs) });
  const expiryQueue =
    options.queueRedis === undefined ? null : guardExpiryQueue(options.queueRedis, { metrics, logger });
  const context: Context = {
    database: options.database,
    connections: new Connections(options.database, logger),
    replica:
      options.replica === undefined
        ? null
        : new Replica(options.replica, { readPosition: () => readLogPosition(context), metrics, logger }),
    redis: redis.guarded,
    expiryQueue,
    clocks: { offsetSeconds: 0 },
    settings: {
      holdSeconds: options.holdSeconds ?? 120,
      seatLockSeconds: options.seatLockSeconds ?? 5,
      maxSeatsPerBooking: options.maxSeatsPerBooking ?? 10,
      maxHeldSeatsPerUser: options.maxHeldSeatsPerUser ?? 20,
    },
    metrics,
    logger,
    holds: group((batch) => commitHolds(context, batch)),
    confirmations: group((batch) => commitSettlements(context, confirmBookingsStatement, batch)),
    releases: group((batch) => commitSettlements(context, releaseBookingsStatement, batch)),
    expirations: group((batch) => commitExpirations(context, batch)),
    attempts: new Map(),
    background: new Set(),
  };
  const repairOutage = createOutageRepair(context, stopping.signal);
  if (options.registry !== undefined) exportPoolConnections(options.registry, options.database.$client);
  const events = new EventReader(context);
  const availableSeats = new AvailableSeatsReader(context, events);
  const seatMaps = new SeatMapReader(context, events);
  const seatFeeds = new SeatFeeds(context, events);
  return {
    holdSeats: (input) => holdSeats(context, input),
    confirmBooking: (input) => confirmBooking(context, input),
    releaseBooking: (input) => releaseBooking(context, input),
    expireBookings: (input) => expireBookings(context, input),
    sweepOverdue: (input) => sweepOverdue(context, input),
    repairCache: (input) => repairCache(context, input),
    purgeIdempotencyKeys: (input) => purgeIdempotencyKeys(context, input),
    getBooking: (input) => findBooking(context, input),
    listLiveBookings: (input) => listLiveBookings(context, input),
    listAvailableSeats: (input = {}) => availableSeats.list(input),
    getSeatMap: (input) => seatMaps.get(input),
    watchSeats: (input) => seatFeeds.watch(input),
    createEvent: (input) => createEvent(context, input),
    getEvent: (input) => events.get(input),
    listEvents: (input) => events.list(input),
    async ping() {
      await readRows(context, pingStatement, []);
    },
    readConnectionLimits: () => readConnectionLimits(context),
    listFaultyParts: () => listFaultyParts(context),
    measureClockOffset: () => measureClockOffset(context),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      seatFeeds[Symbol.dispose]();
      context.replica?.[Symbol.dispose]();
      redis[Symbol.dispose]();
      expiryQueue?.[Symbol.dispose]();
      await Promise.all(context.background);
      context.connections[Symbol.dispose]();
      await expiryQueue?.guarded.client.close();
    },
  };
}
