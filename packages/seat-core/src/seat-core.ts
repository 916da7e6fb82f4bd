import type { Redis } from 'ioredis';
import type { Registry } from 'prom-client';
import { createOutageRepair, repairCache, type RepairDependencies } from './announce/repair.ts';
import {
  createTransitionBatches,
  type TransitionBatches,
  type TransitionDependencies,
  type TransitionInput,
} from './bookings/commit-transitions.ts';
import { confirmBooking } from './bookings/confirm-booking.ts';
import {
  getBooking,
  listLiveBookings,
  type GetBookingInput,
  type ListLiveBookingsInput,
} from './bookings/get-booking.ts';
import { releaseBooking } from './bookings/release-booking.ts';
import { confirmBookingsStatement, releaseBookingsStatement } from './bookings/confirm-and-release.sql.ts';
import type { CreateEventInput } from './events/check-event.ts';
import { createEvent, type CreateEventDependencies } from './events/create-event.ts';
import { EventReader, type EventPage, type ListEventsInput } from './events/event-reader.ts';
import {
  createExpiry,
  expireBookings,
  sweepOverdue,
  type ExpireBookingsResult,
  type Expiry,
} from './expiry/expire-bookings.ts';
import { checkInstallation, type InstallationStores } from './check-installation.ts';
import { Health } from './health.ts';
import { newEventId } from './ids.ts';
import type { InstallationCheck } from './installation.ts';
import {
  createHoldBatches,
  holdSeats,
  type HoldSeatsDependencies,
  type HoldSeatsInput,
} from './hold/hold-seats.ts';
import { IdempotentRequests, type Repeatable } from './idempotency/idempotency.ts';
import { purgeIdempotencyKeys } from './idempotency/purge-keys.ts';
import { SeatFeeds, type SubscribeToSeatsInput } from './live/subscribe.ts';
import type { SeatSubscription } from './live/subscription.ts';
import { createMetrics, exportPoolConnections } from './metrics.ts';
import { settingsFrom, silentLogger, type SeatCoreLogger, type SeatCoreSettings } from './options.ts';
import { openLanes, type Lanes } from './postgres/lanes.ts';
import type { Database } from './postgres/pool.ts';
import { Reads } from './postgres/replica.ts';
import { GuardedQueue } from './queue/expiry-queue.ts';
import { Gatekeeper } from './redis/gatekeeper.ts';
import { createRedisBreaker } from './redis/health.ts';
import { withNames, type RedisClient } from './redis/keys.ts';
import { SeatLocks } from './redis/seat-lock.ts';
import { createBulkLimits, type BulkLimits } from './resilience/bulk-limits.ts';
import { Background } from './resilience/background.ts';
import type { CircuitBreaker } from './resilience/circuit-breaker.ts';
import {
  AvailableSeatsReader,
  type AvailableSeats,
  type ListAvailableSeatsInput,
} from './seats/available-seats.ts';
import { SeatMapReader, type SeatMap } from './seats/seat-map.ts';
import { SeatCountsTable } from './states/seat-counts.ts';
import type { Booking, DegradedDependency, TicketedEvent } from './types.ts';

export interface SeatCoreOptions extends Partial<SeatCoreSettings> {
  /** From `openDatabase`. */
  readonly database: Database;
  /** From `openRedis`: locks, caches and change messages. */
  readonly redis: Redis;
  /** From `openQueueRedis`: receives the clean-up jobs. Without it, the sweep or the next buyer ends a hold. */
  readonly queueRedis?: Redis;
  /** Stands before every key, channel and queue: up to 64 visible ASCII characters without `{` and `}`. Default none. */
  readonly redisKeyPrefix?: string;
  /** From `openDatabase`, a streaming replica: lists, counts and maps are read there while it is current. */
  readonly replica?: Database;
  readonly logger?: SeatCoreLogger;
  /** @internal For tests: bytes of all seats that are kept in memory, by default a share of the heap's limit. */
  readonly maxBytesOfSeats?: number;
  /** Where the engine's metrics are registered. Without it they are exported nowhere. */
  readonly registry?: Registry;
}

/**
 * Makes the engine on clients that the caller owns and closes itself.
 *
 * @see openSeatCore for the short way
 */
export function createSeatCore(options: SeatCoreOptions): SeatCore {
  return new SeatCore(options, () => Promise.resolve());
}

/**
 * The engine. Ids are UUIDs in either case. Every verb throws `SeatCoreError`, whose `code` says why it refused. Beside
 * the codes that a verb names: VALIDATION_FAILED for a malformed input, DEPENDENCY_UNAVAILABLE when PostgreSQL does
 * not answer (with `details.outcome` when a commit may have happened), OVERLOADED when more requests wait than can be
 * served in time, and with an idempotency key IDEMPOTENCY_KEY_IN_PROGRESS or IDEMPOTENCY_KEY_REUSED. A Redis that is
 * down fails no verb but `repairCache` and `measureClockOffset`.
 */
export class SeatCore implements AsyncDisposable {
  readonly #closeClients: () => Promise<unknown>;
  readonly #stopping = new AbortController();
  readonly #background: Background;
  readonly #lanes: Lanes;
  readonly #reads: Reads;
  readonly #hold: HoldSeatsDependencies;
  readonly #confirm: TransitionDependencies & { readonly batches: TransitionBatches };
  readonly #release: TransitionDependencies & { readonly batches: TransitionBatches };
  readonly #expire: Expiry;
  readonly #repair: RepairDependencies;
  readonly #redis: CircuitBreaker<RedisClient>;
  readonly #queue: GuardedQueue | null;
  readonly #createEvent: CreateEventDependencies;
  readonly #counts: SeatCountsTable;
  readonly #events: EventReader;
  readonly #availableSeats: AvailableSeatsReader;
  readonly #seatMaps: SeatMapReader;
  readonly #seatFeeds: SeatFeeds;
  readonly #health: Health;
  readonly #stores: InstallationStores;
  #closing: Promise<void> | undefined;
  /** @internal Shared with the program that renders maps. */
  readonly bulk: BulkLimits;

  /** @internal Made by `openSeatCore` and `createSeatCore`. */
  constructor(options: SeatCoreOptions, closeClients: () => Promise<unknown>) {
    this.#closeClients = closeClients;
    const { database, logger = silentLogger } = options;
    this.#stores = options;
    const settings = settingsFrom(options);
    const bulk = (this.bulk = createBulkLimits(options));
    const metrics = createMetrics(options.registry);
    const lanes = (this.#lanes = openLanes(database, {
      logger,
      onCommitsWait: (areWaiting) => metrics.commitsWait.set(Number(areWaiting)),
    }));
    if (options.registry !== undefined) exportPoolConnections(options.registry, database.$client, lanes);
    const connections = lanes.sales;
    const reads = (this.#reads = new Reads({
      connections: lanes.reads,
      replica: options.replica,
      metrics,
      logger,
    }));
    const background = (this.#background = new Background(logger));
    // The repair needs the breaker, and the breaker calls the repair: not before its first outage.
    const onClosed = (outageMs: number) => repairAfterOutage(outageMs);
    const redis = (this.#redis = createRedisBreaker(withNames(options.redis, options.redisKeyPrefix), {
      metrics,
      logger,
      onClosed,
    }));
    const queue = (this.#queue =
      options.queueRedis === undefined
        ? null
        : new GuardedQueue(options.queueRedis, {
            redisKeyPrefix: options.redisKeyPrefix ?? '',
            use: 'add',
            onState: (isOpen) => metrics.redisCircuitOpen.set({ part: 'queue' }, Number(isOpen)),
            logger,
          }));
    this.#repair = { connections, redis, metrics, logger };
    const repairAfterOutage = createOutageRepair(this.#repair, this.#stopping.signal);

    const idempotency = new IdempotentRequests(connections, logger);
    const { holdSeconds, seatLockSeconds } = settings;
    const publish = { redis, queue, holdSeconds, background, metrics, logger };
    const transition: TransitionDependencies = { ...publish, connections, idempotency };
    this.#hold = {
      connections,
      idempotency,
      metrics,
      settings,
      gatekeeper: new Gatekeeper({
        redis,
        holdSeconds,
        isSold: (seatId) => this.#seatFeeds.isSold(seatId),
        background,
        metrics,
      }),
      locks: new SeatLocks({ redis, seatLockSeconds, background, metrics, logger }),
      batches: createHoldBatches({ ...publish, connections, settings }),
    };
    this.#confirm = { ...transition, batches: createTransitionBatches(transition, confirmBookingsStatement) };
    this.#release = { ...transition, batches: createTransitionBatches(transition, releaseBookingsStatement) };
    this.#expire = createExpiry(transition);

    this.#createEvent = { lanes, idempotency, drawId: newEventId };
    const counts = (this.#counts = new SeatCountsTable({ connections: lanes.reads, reads, logger }));
    this.#events = new EventReader(reads, counts);
    const requireEvent = (eventId: string) => this.#events.require(eventId);
    const listing = { reads, redis, metrics, logger, requireEvent };
    this.#availableSeats = new AvailableSeatsReader({ ...listing, counts, background });
    this.#seatMaps = new SeatMapReader({ reads, requireEvent, ...bulk });
    this.#seatFeeds = new SeatFeeds({ ...listing, ...bulk });
    this.#health = new Health({
      lanes,
      reads,
      redis,
      queue,
      metrics,
      channelRefusal: () => this.#seatFeeds.refusal,
    });
  }

  /**
   * Holds seats for a user for `holdSeconds`: all of them or none, all of one event.
   *
   * @returns the booking, PENDING
   * @throws SEAT_TAKEN, SEAT_LOCKED, SEAT_NOT_FOUND, HOLD_LIMIT_REACHED, SALES_NOT_OPEN, SALES_CLOSED
   * @example
   * const held = await core.holdSeats({ seatIds, userId: 'ani', idempotencyKey: orderId });
   * console.log(`${held.seats.length} seats until ${held.expiresAt.toISOString()}`);
   */
  holdSeats(input: HoldSeatsInput): Promise<Repeatable<Booking>> {
    return holdSeats(this.#hold, input);
  }

  /**
   * Sells the seats of a PENDING booking. Confirming a CONFIRMED booking again returns it unchanged.
   *
   * @returns the booking, CONFIRMED
   * @throws BOOKING_NOT_FOUND, BOOKING_EXPIRED, BOOKING_NOT_PENDING
   * @example
   * await core.confirmBooking({ bookingId: held.id, ownedBy: anyone, actor: 'payments' });
   */
  confirmBooking(input: TransitionInput): Promise<Repeatable<Booking>> {
    return confirmBooking(this.#confirm, input);
  }

  /**
   * Frees the seats of a PENDING booking. Releasing a CANCELLED booking again returns it unchanged.
   *
   * @returns the booking, CANCELLED
   * @throws BOOKING_NOT_FOUND, BOOKING_NOT_PENDING
   * @example
   * await core.releaseBooking({ bookingId: held.id, ownedBy: 'ani', actor: 'ani' });
   */
  releaseBooking(input: TransitionInput): Promise<Repeatable<Booking>> {
    return releaseBooking(this.#release, input);
  }

  /**
   * Expires those of the given bookings that are overdue by the database's clock. Clean-up jobs call it.
   *
   * @example
   * const { expired, nextDueInMs } = await core.expireBookings({ bookingIds: [held.id] });
   */
  expireBookings(input: { readonly bookingIds: readonly string[] }): Promise<ExpireBookingsResult> {
    return expireBookings(this.#expire, input);
  }

  /**
   * Expires up to `limit` (1–500, default 500) overdue bookings, whatever happened to their jobs, oldest first.
   *
   * @returns how many it expired; `limit` means there may be more
   * @example
   * while ((await core.sweepOverdue()) === 500);
   */
  sweepOverdue(input: { readonly limit?: number } = {}): Promise<number> {
    return sweepOverdue(this.#expire, input);
  }

  /**
   * Corrects the status keys of all seats that changed in the last `sinceSeconds` (1–86,400, default 5).
   *
   * @returns how many keys it corrected
   * @example
   * await core.repairCache({ sinceSeconds: 600 });
   */
  repairCache(input: { readonly sinceSeconds?: number } = {}): Promise<number> {
    return repairCache(this.#repair, input);
  }

  /**
   * Counts the seats of events again where up to `limit` (1–20,000, default 20,000) transitions changed them. The expiry
   * worker calls it three times a second. Without a worker a read of counts that are older than 0.4 s does the same.
   *
   * @returns how many transitions it read; `limit` means there may be more
   * @example
   * const transitions = await core.countSeats();
   */
  countSeats(input: { readonly limit?: number } = {}): Promise<number> {
    return this.#counts.advance(input);
  }

  /**
   * Deletes up to `limit` (1–10,000, default 1,000) idempotency keys that are older than a day.
   *
   * @returns how many it deleted; `limit` means there may be more
   * @example
   * await core.purgeIdempotencyKeys({ limit: 10_000 });
   */
  purgeIdempotencyKeys(input: { readonly limit?: number } = {}): Promise<number> {
    return purgeIdempotencyKeys(this.#lanes.sales, input);
  }

  /**
   * Reads a booking. A PENDING booking past its deadline is shown as EXPIRED.
   *
   * @throws BOOKING_NOT_FOUND
   * @example
   * const booking = await core.getBooking({ bookingId: held.id, ownedBy: 'ani' });
   */
  getBooking(input: GetBookingInput): Promise<Booking> {
    return getBooking(this.#lanes.sales, input);
  }

  /**
   * A user's PENDING and CONFIRMED bookings of an event, the newest 100: finds the hold whose answer was lost.
   *
   * @example
   * const [latest] = await core.listLiveBookings({ eventId: event.id, userId: 'ani' });
   */
  listLiveBookings(input: ListLiveBookingsInput): Promise<Booking[]> {
    return listLiveBookings(this.#lanes.sales, input);
  }

  /**
   * A random choice of free seats that can still be held, up to a second old: none of an event whose sales are closed.
   *
   * @throws EVENT_NOT_FOUND
   * @example
   * const { seats, asOf } = await core.listAvailableSeats({ eventId: event.id, limit: 4 });
   */
  listAvailableSeats(input: ListAvailableSeatsInput = {}): Promise<AvailableSeats> {
    return this.#availableSeats.list(input);
  }

  /**
   * Every seat of an event, up to a second old.
   *
   * @throws EVENT_NOT_FOUND
   * @example
   * const { version, seats } = await core.getSeatMap({ eventId: event.id });
   * const sold = seats.filter(({ status }) => status === 'SOLD').length;
   */
  getSeatMap(input: { readonly eventId: string }): Promise<SeatMap> {
    return this.#seatMaps.get(input);
  }

  /**
   * Follows the seats of an event, whichever process changes them. Changes arrive by messages over Redis; a comparison
   * with PostgreSQL recovers lost messages within 2 s, and replaces the messages while Redis is down.
   *
   * @throws EVENT_NOT_FOUND
   * @example
   * const subscription = await core.subscribeToSeats({
   *   eventId: event.id,
   *   onMessage: ({ type, seats }) => console.log(type, seats.length),
   * });
   * console.log(subscription.snapshot().seats.length);
   * subscription.close();
   */
  subscribeToSeats(input: SubscribeToSeatsInput): Promise<SeatSubscription> {
    return this.#seatFeeds.subscribe(input);
  }

  /**
   * Creates an event of up to 200 sections, 5,000 rows and 100,000 seats, all or nothing. Its sales are open until it starts, or from
   * `salesOpenAt` to `salesCloseAt`.
   *
   * @example
   * const event = await core.createEvent({
   *   name: 'Malam Gamelan',
   *   venue: 'Gedung Kesenian',
   *   startsAt: '2027-01-07T19:30:00+07:00',
   *   sections: [
   *     { name: 'Balcony', price: { amount: 15_000_000, currency: 'IDR' }, rows: [{ name: 'A', seats: 20 }] },
   *   ],
   * });
   */
  createEvent(input: CreateEventInput): Promise<Repeatable<TicketedEvent>> {
    return createEvent(this.#createEvent, input);
  }

  /**
   * Reads an event and its seat counts, the counts up to a second old.
   *
   * @throws EVENT_NOT_FOUND
   * @example
   * const { seatCounts } = await core.getEvent({ eventId: event.id });
   */
  getEvent(input: { readonly eventId: string }): Promise<TicketedEvent> {
    return this.#events.get(input);
  }

  /**
   * Lists events, the newest first, page by page. An event of more than 50 sections has an empty list of sections there.
   *
   * @example
   * const { events, next } = await core.listEvents({ limit: 20 });
   */
  listEvents(input: ListEventsInput = {}): Promise<EventPage> {
    return this.#events.list(input);
  }

  /**
   * Resolves when PostgreSQL answers.
   *
   * @example
   * await core.ping();
   */
  ping(): Promise<void> {
    return this.#health.ping();
  }

  /**
   * Asks PostgreSQL, its replica, Redis and the clocks for all that the engine relies on: versions, settings, rights,
   * migrations, connections. Each row that is not `ok` says what to do. Services ask at their start.
   *
   * @example
   * const rows = await core.checkInstallation();
   * for (const { part, name, value, advice } of rows) console.log(part, name, value, advice);
   */
  checkInstallation(): Promise<InstallationCheck[]> {
    return checkInstallation(this.#stores);
  }

  /**
   * Degraded dependencies, from cached state. Does no I/O.
   *
   * @example
   * for (const { name, detail } of core.listDegradedDependencies()) console.warn(name, detail);
   */
  listDegradedDependencies(): DegradedDependency[] {
    return this.#health.listDegraded();
  }

  /**
   * Measures by how many seconds the clock of Redis is ahead of PostgreSQL's; also exported as a metric. Deadlines follow
   * the clock of PostgreSQL, status keys that of Redis.
   *
   * @throws DEPENDENCY_UNAVAILABLE
   * @example
   * const offsetSeconds = await core.measureClockOffset();
   */
  measureClockOffset(): Promise<number> {
    return this.#health.measureClockOffset();
  }

  /**
   * Waits for background work, and closes the connections that `openSeatCore` opened. Clients that were passed to
   * `createSeatCore` stay open.
   *
   * @example
   * await core.close();
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    this.#seatFeeds.close();
    this.#reads.close();
    this.#redis.stop();
    this.#queue?.breaker.stop();
    await this.#background.finished();
    this.#lanes.close();
    await this.#closeClients();
  }
}
