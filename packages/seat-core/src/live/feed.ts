import { SeatCoreError } from '../errors.ts';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreLogger } from '../options.ts';
import type { Reads } from '../postgres/replica.ts';
import type { PublishedSeatChange, SeatChangeSubscriber } from '../redis/pubsub.ts';
import type { RedisClient } from '../redis/keys.ts';
import type { BulkTurns } from '../resilience/bulk-turns.ts';
import type { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import type { MemoryBudget } from '../resilience/memory-budget.ts';
import {
  bytesPerSeat,
  compareStates,
  readSeatCount,
  SeatStates,
  type SeatState,
} from '../states/seat-states.ts';
import { FeedSubscription, type SubscriptionOptions } from './subscription.ts';

export interface FeedOptions {
  readonly eventId: string;
  readonly reads: Reads;
  readonly redis: CircuitBreaker<RedisClient>;
  readonly subscriber: SeatChangeSubscriber;
  readonly metrics: SeatCoreMetrics;
  readonly logger: SeatCoreLogger;
  readonly turns: BulkTurns;
  /** How many callers wait for the feed to open. */
  readonly wanted: () => number;
  readonly memory: MemoryBudget;
  /** Called when it has no subscription and its memory is needed; the feed is closed then. */
  readonly onEvict: () => void;
  /** Called when the event no longer exists; the feed is closed then. */
  readonly onGone: () => void;
}

/** Comparison, grace and the query itself stay within the two seconds in which a lost message must show. */
const compareEveryMs = 1_400;
/** Without messages the comparison is the feed. */
const compareAloneEveryMs = 1_000;
/** The database may show a commit before its message arrives. A message later than this counts as lost. */
const graceMs = 400;
/** After a comparison the feed pauses for four times as long as the comparison took. */
const pausePerComparison = 4;
/** What a feed costs beside its seats. */
const bytesPerFeed = 4_096;

/**
 * The seats of one event, kept current for all subscriptions of this process: by the messages that each commit
 * publishes, and by comparison with the database, because Redis loses messages. The states of a feed:
 *
 *   opening ──▶ by messages ◀──▶ by comparison only        (any of these) ──▶ closed
 *
 *   state               changes come from         compares    the database is ahead of the feed
 *   opening             one comparison            once        first states; there is no subscription yet (`open`)
 *   by messages         messages                  each 1.4 s  after 400 ms of grace: a lost message, snapshot to all
 *   by comparison only  comparisons               each 1 s    a change as any other: delta to all
 *   closed              nothing                   never       also when the event no longer has its seats: it was retired
 *
 * A feed is by messages while Redis confirms the channel and the circuit of Redis is closed (`#hasMessages`). After a
 * reconnect it compares at once (`onReconnected`). In both states a state that the database contradicts was never
 * committed: the feed takes it back and sends a snapshot to all (`#correct`). SeatFeeds in `subscribe.ts` opens a feed
 * for the first subscription, and closes it 3 s after the last one.
 */
export class SeatFeed {
  readonly #options: FeedOptions;
  readonly #states: SeatStates;
  readonly #subscriptions = new Set<FeedSubscription>();
  #timer: NodeJS.Timeout | undefined;
  #pausesUntil = 0;
  #isComparing = false;
  #isOpening = true;
  #isClosed = false;

  private constructor(options: FeedOptions, states: SeatStates) {
    this.#options = options;
    this.#states = states;
  }

  /** @throws EVENT_NOT_FOUND; OVERLOADED when other events have all the turns or all the memory */
  static async open(options: FeedOptions): Promise<SeatFeed> {
    return options.turns.run('first', () => SeatFeed.#open(options), options.wanted);
  }

  /** Subscribes to the channel before it reads, so no change falls between the two. */
  static async #open(options: FeedOptions): Promise<SeatFeed> {
    const { eventId, reads, subscriber, memory } = options;
    const states = new SeatStates(eventId, await readSeatCount(reads, eventId));
    const feed = new SeatFeed(options, states);
    memory.keep(feed, {
      bytes: bytesPerFeed + states.size * bytesPerSeat,
      isInUse: () => feed.#isOpening || feed.hasSubscriptions,
      evict: () => {
        options.onEvict();
        feed.close();
      },
    });
    try {
      await subscriber.subscribe(eventId, {
        onChanges: (changes) => feed.#receive(changes),
        onReconnected: () => feed.#compareIn(0),
      });
      const differences = await compareStates(reads, eventId, states);
      if (states.size === 0 || differences === null) throw eventGone(eventId);
      for (const state of differences.newer) states.apply(state);
    } catch (error) {
      memory.free(feed);
      subscriber.unsubscribe(eventId);
      throw error;
    }
    feed.#isOpening = false;
    feed.#compareIn(compareEveryMs);
    return feed;
  }

  get hasSubscriptions(): boolean {
    return this.#subscriptions.size > 0;
  }

  isSold(seatId: string): boolean {
    const index = this.#states.indexOf(seatId);
    return index !== undefined && this.#states.statusAt(index) === 'SOLD';
  }

  /** @param options.onClose called once when the subscription is closed */
  subscribe(options: Omit<SubscriptionOptions, 'logger'>): FeedSubscription {
    const subscription = new FeedSubscription(this.#states, {
      ...options,
      onClose: () => {
        this.#subscriptions.delete(subscription);
        options.onClose();
      },
      logger: this.#options.logger,
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#options.memory.free(this);
    for (const subscription of this.#subscriptions) subscription.close();
    this.#options.subscriber.unsubscribe(this.#options.eventId);
  }

  /** While this is true a lost message is an exception. */
  get #hasMessages(): boolean {
    const { subscriber, redis, eventId } = this.#options;
    return subscriber.isSubscribed(eventId) && !redis.isOpen;
  }

  #receive(changes: readonly PublishedSeatChange[]): void {
    for (const { id, status, version } of changes) {
      const index = this.#states.indexOf(id);
      if (index !== undefined) this.#apply({ index, status, version });
    }
  }

  #apply(state: SeatState): void {
    if (!this.#states.apply(state)) return;
    for (const subscription of this.#subscriptions) subscription.addChange(state.index);
  }

  #compareIn(ms: number): void {
    if (this.#isClosed || this.#isComparing) return;
    clearTimeout(this.#timer);
    const pauseMs = this.#pausesUntil - performance.now();
    this.#timer = setTimeout(() => void this.#compare(), Math.max(ms, pauseMs));
    this.#timer.unref();
  }

  async #compare(): Promise<void> {
    const { eventId, reads, turns, logger } = this.#options;
    this.#isComparing = true;
    let startedAt = performance.now();
    let tookMs = 0;
    try {
      const differences = await turns.run('comparison', () => {
        startedAt = performance.now();
        return compareStates(reads, eventId, this.#states);
      });
      tookMs = performance.now() - startedAt;
      if (differences === null) return this.#end();
      this.#correct(differences.contradicted);
      this.#catchUp(differences.newer);
    } catch (err) {
      // The circuit breaker of PostgreSQL logs the outage; the next comparison tries again.
      logger.debug({ err, eventId }, 'comparison of seats with the database failed');
    }
    this.#isComparing = false;
    this.#pausesUntil = startedAt + tookMs * (1 + pausePerComparison);
    const everyMs = this.#hasMessages ? compareEveryMs : compareAloneEveryMs;
    this.#compareIn(Math.max(0, everyMs - tookMs));
  }

  #end(): void {
    const { eventId, onGone } = this.#options;
    onGone();
    for (const subscription of this.#subscriptions) subscription.end(eventGone(eventId));
    this.close();
  }

  /** Every client of Redis can publish, and a database can be restored to an earlier time: the database decides. */
  #correct(contradicted: readonly SeatState[]): void {
    if (contradicted.length === 0) return;
    for (const state of contradicted) this.#states.overwrite(state);
    const { logger, eventId } = this.#options;
    logger.warn(
      { eventId, seats: contradicted.length },
      'seats corrected: the database contradicts seat change messages',
    );
    this.#sendSnapshots();
  }

  /** The database is ahead: a message is on its way or was lost. */
  #catchUp(newer: readonly SeatState[]): void {
    if (newer.length === 0) return;
    if (!this.#hasMessages) {
      for (const state of newer) this.#apply(state);
      return;
    }
    const applyMissed = () => {
      if (this.#isClosed) return;
      const missed = newer.filter((state) => this.#states.apply(state));
      if (missed.length === 0) return;
      this.#options.metrics.seatChangesMissed.inc(missed.length);
      this.#sendSnapshots();
      this.#options.subscriber.checkConnection();
    };
    // In a busy process messages may lie unread in the socket: one turn of the event loop reads them first.
    setTimeout(() => setImmediate(applyMissed), graceMs).unref();
  }

  #sendSnapshots(): void {
    for (const subscription of this.#subscriptions) subscription.requireSnapshot();
  }
}

function eventGone(eventId: string): SeatCoreError {
  return new SeatCoreError('EVENT_NOT_FOUND', `no event ${eventId}`);
}
