import type { SeatCoreError } from '../errors.ts';
import { eventIdOf } from '../ids.ts';
import { SeatChangeSubscriber } from '../redis/pubsub.ts';
import { BulkWaiters } from '../resilience/bulk-turns.ts';
import { InputCheck } from '../validation.ts';
import { SeatFeed, type FeedOptions } from './feed.ts';
import type { OnSeatMessage, SeatSubscription } from './subscription.ts';

export interface SubscribeToSeatsInput {
  readonly eventId: string;
  /**
   * Called about every 100 ms while seats change: with a delta, or with a snapshot when changes were missed. While a
   * promise that it returned is pending it is not called again, and changes gather for the next delta.
   */
  readonly onMessage: OnSeatMessage;
  /** Called once when the event no longer exists, with EVENT_NOT_FOUND. The subscription is closed then. */
  readonly onEnd?: (error: SeatCoreError) => void;
}

export interface SeatFeedsOptions extends Omit<
  FeedOptions,
  'eventId' | 'wanted' | 'subscriber' | 'onGone' | 'onEvict'
> {
  /** @throws EVENT_NOT_FOUND */
  readonly requireEvent: (eventId: string) => Promise<unknown>;
}

/** Opening a feed reads all seats of the event: an unused feed is kept for a client that comes back at once. */
const keptUnusedMs = 3_000;

interface OpenFeed {
  readonly feed: Promise<SeatFeed>;
  /** The subscribers that wait for it to open. */
  readonly waiters: BulkWaiters;
  /** Once it is open. */
  opened: SeatFeed | undefined;
}

/** One feed per event for all subscriptions of this process. The states of a feed are described in `feed.ts`. */
export class SeatFeeds {
  readonly #options: SeatFeedsOptions;
  readonly #subscriber: SeatChangeSubscriber;
  readonly #feeds = new Map<string, OpenFeed>();

  constructor(options: SeatFeedsOptions) {
    this.#options = options;
    this.#subscriber = new SeatChangeSubscriber(options.redis.client, options.logger);
  }

  /** @throws EVENT_NOT_FOUND, VALIDATION_FAILED; OVERLOADED when no turn or no memory is left for another event */
  async subscribe(input: SubscribeToSeatsInput): Promise<SeatSubscription> {
    const check = new InputCheck(input);
    const eventId = check.id('/eventId', input.eventId);
    check.callback('/onMessage', input.onMessage);
    if (input.onEnd !== undefined) check.callback('/onEnd', input.onEnd);
    check.throwIfAny();
    for (;;) {
      const open = this.#feeds.get(eventId) ?? this.#open(eventId);
      const feed = await open.waiters.wait(open.feed);
      // The feed may have been closed during the wait.
      if (this.#feeds.get(eventId) !== open) continue;
      return feed.subscribe({
        onMessage: input.onMessage,
        onEnd: input.onEnd,
        onClose: () => this.#closeIfUnused(eventId, open),
      });
    }
  }

  /** Whether this process follows the event of the seat and knows it as SOLD. */
  isSold(seatId: string): boolean {
    return this.#feeds.get(eventIdOf(seatId))?.opened?.isSold(seatId) ?? false;
  }

  /** Why Redis refuses the channels of changes; undefined while it does not. */
  get refusal(): Error | undefined {
    return this.#subscriber.refusal;
  }

  close(): void {
    for (const { feed } of this.#feeds.values()) feed.then((opened) => opened.close()).catch(() => undefined);
    this.#feeds.clear();
    this.#subscriber.close();
  }

  #open(eventId: string): OpenFeed {
    const waiters = new BulkWaiters();
    const wanted = () => waiters.count;
    const forget = () => this.#feeds.delete(eventId);
    const options = { ...this.#options, eventId, subscriber: this.#subscriber, wanted };
    const feed = this.#options
      .requireEvent(eventId)
      .then(() => SeatFeed.open({ ...options, onGone: forget, onEvict: forget }));
    const open: OpenFeed = { feed, waiters, opened: undefined };
    this.#feeds.set(eventId, open);
    // Every subscriber may have stopped waiting.
    feed.then((opened) => {
      open.opened = opened;
      this.#closeIfUnused(eventId, open);
    }, forget);
    return open;
  }

  /** After a while, unless it is used again. */
  #closeIfUnused(eventId: string, open: OpenFeed): void {
    const close = (feed: SeatFeed) => {
      if (feed.hasSubscriptions || this.#feeds.get(eventId) !== open) return;
      this.#feeds.delete(eventId);
      feed.close();
    };
    setTimeout(() => void open.feed.then(close), keptUnusedMs).unref();
  }
}
