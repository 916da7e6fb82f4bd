import type { SeatCoreError } from '../errors.ts';
import { SeatChangeSubscriber } from '../redis/pubsub.ts';
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

export interface SeatFeedsOptions extends Omit<FeedOptions, 'eventId' | 'subscriber' | 'onGone'> {
  /** @throws EVENT_NOT_FOUND */
  readonly requireEvent: (eventId: string) => Promise<unknown>;
}

/** Opening a feed reads all seats of the event: an unused feed is kept for a client that comes back at once. */
const keptUnusedMs = 3_000;

/** One feed per event for all subscriptions of this process. The states of a feed are described in `feed.ts`. */
export class SeatFeeds {
  readonly #options: SeatFeedsOptions;
  readonly #subscriber: SeatChangeSubscriber;
  readonly #feeds = new Map<string, Promise<SeatFeed>>();

  constructor(options: SeatFeedsOptions) {
    this.#options = options;
    this.#subscriber = new SeatChangeSubscriber(options.redis.client, options.logger);
  }

  /** @throws EVENT_NOT_FOUND, VALIDATION_FAILED */
  async subscribe(input: SubscribeToSeatsInput): Promise<SeatSubscription> {
    const check = new InputCheck(input);
    const eventId = check.id('/eventId', input.eventId);
    check.callback('/onMessage', input.onMessage);
    if (input.onEnd !== undefined) check.callback('/onEnd', input.onEnd);
    check.throwIfAny();
    for (;;) {
      const opening = this.#feeds.get(eventId) ?? this.#open(eventId);
      const feed = await opening;
      // The feed may have been closed during the wait.
      if (this.#feeds.get(eventId) !== opening) continue;
      const closeUnused = () => {
        if (feed.hasSubscriptions || this.#feeds.get(eventId) !== opening) return;
        this.#feeds.delete(eventId);
        feed.close();
      };
      return feed.subscribe({
        onMessage: input.onMessage,
        onEnd: input.onEnd,
        onClose: () => {
          if (!feed.hasSubscriptions) setTimeout(closeUnused, keptUnusedMs).unref();
        },
      });
    }
  }

  /** Why Redis refuses the channels of changes; undefined while it does not. */
  get refusal(): Error | undefined {
    return this.#subscriber.refusal;
  }

  close(): void {
    for (const opening of this.#feeds.values()) opening.then((feed) => feed.close()).catch(() => undefined);
    this.#feeds.clear();
    this.#subscriber.close();
  }

  #open(eventId: string): Promise<SeatFeed> {
    const onGone = () => this.#feeds.delete(eventId);
    const options = { ...this.#options, eventId, subscriber: this.#subscriber, onGone };
    const opening = this.#options.requireEvent(eventId).then(() => SeatFeed.open(options));
    this.#feeds.set(eventId, opening);
    opening.catch(() => this.#feeds.delete(eventId));
    return opening;
  }
}
