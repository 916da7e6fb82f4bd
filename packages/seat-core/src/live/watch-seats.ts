import type { Context } from '../options.ts';
import type { EventReader } from '../events/event-reader.ts';
import { InputCheck } from '../validation.ts';
import { SeatChannel } from '../redis/pubsub.ts';
import { SeatFeed } from './seat-feed.ts';
import type { OnSeatsUpdate, SeatsSnapshot } from './seat-watcher.ts';

export interface WatchSeatsInput {
  readonly eventId: string;
  /**
   * Told of what changes, about every 100 ms while something does; of all there is when something was missed.
   * While a promise that it returned is pending it is not called, and changes are gathered.
   */
  readonly onUpdate: OnSeatsUpdate;
}

/** Disposing ends the watching. */
export interface SeatWatch extends Disposable {
  /** What is known this moment; updates that follow start from here, or tell some of it again. */
  snapshot(): SeatsSnapshot;
}

/** To begin one reads all of the hall: it is kept for whoever comes again at once. */
const keptForMs = 3_000;

/** One feed per event for all who watch it, for as long as somebody does and a little longer. */
export class SeatFeeds implements Disposable {
  readonly #context: Context;
  readonly #events: EventReader;
  readonly #channel: SeatChannel;
  readonly #feeds = new Map<string, Promise<SeatFeed>>();

  constructor(context: Context, events: EventReader) {
    this.#context = context;
    this.#events = events;
    this.#channel = new SeatChannel(context.redis.client, context.logger);
  }

  /** @throws EVENT_NOT_FOUND, VALIDATION_FAILED */
  async watch(input: WatchSeatsInput): Promise<SeatWatch> {
    const check = new InputCheck();
    const eventId = check.id('/eventId', input.eventId);
    check.throwIfAny();
    for (;;) {
      const opening = this.#feeds.get(eventId) ?? this.#open(eventId);
      const feed = await opening;
      // Its time may have been over while this one waited for it.
      if (this.#feeds.get(eventId) !== opening) continue;
      const stop = feed.watch(input.onUpdate);
      return {
        snapshot: () => feed.snapshot(),
        [Symbol.dispose]: () => {
          stop();
          const endUnwatched = () => {
            if (feed.isWatched || this.#feeds.get(eventId) !== opening) return;
            this.#feeds.delete(eventId);
            feed[Symbol.dispose]();
          };
          if (!feed.isWatched) setTimeout(endUnwatched, keptForMs).unref();
        },
      };
    }
  }

  [Symbol.dispose](): void {
    for (const opening of this.#feeds.values()) {
      opening.then((feed) => feed[Symbol.dispose]()).catch(() => undefined);
    }
    this.#feeds.clear();
    this.#channel[Symbol.dispose]();
  }

  #open(eventId: string): Promise<SeatFeed> {
    const opening = this.#events
      .require(eventId)
      .then(() => SeatFeed.open(this.#context, this.#channel, eventId));
    this.#feeds.set(eventId, opening);
    opening.catch(() => this.#feeds.delete(eventId));
    return opening;
  }
}
