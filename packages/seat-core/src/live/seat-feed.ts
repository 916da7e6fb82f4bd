import type { Context } from '../options.ts';
import { compareStates, HallStates, readSeatIds, type StateChange } from '../states/seat-states.ts';
import type { PublishedSeatChange } from '../announce/publish-commit.ts';
import type { SeatChannel } from '../redis/pubsub.ts';
import { SeatWatcher, takeSnapshot, type OnSeatsUpdate, type SeatsSnapshot } from './seat-watcher.ts';

/** With the grace and the question itself under the two seconds within which a lost message is made good. */
const compareEveryMs = 1_400;
/** Without the channel the database is all there is. */
const compareAloneEveryMs = 1_000;
/** The database may know of a commit before its message is here; what is not here by then was lost. */
const graceMs = 400;
/** After a comparison it rests for four times as long as that took. */
const restsPerComparison = 4;

/**
 * What a process knows of the seats of one event, kept up to date for all who watch it: by the messages of whoever
 * commits, and by comparing with the database, for messages get lost.
 */
export class SeatFeed implements Disposable {
  readonly #context: Context;
  readonly #channel: SeatChannel;
  readonly #eventId: string;
  readonly #states: HallStates;
  readonly #watchers = new Set<SeatWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #restsUntil = 0;
  #isComparing = false;
  #isStopped = false;

  private constructor(context: Context, channel: SeatChannel, eventId: string, states: HallStates) {
    this.#context = context;
    this.#channel = channel;
    this.#eventId = eventId;
    this.#states = states;
  }

  /** Listens first and reads then, so that nothing falls between the two. */
  static async open(context: Context, channel: SeatChannel, eventId: string): Promise<SeatFeed> {
    const states = new HallStates(await readSeatIds(context, eventId));
    const feed = new SeatFeed(context, channel, eventId, states);
    try {
      await channel.listen(eventId, {
        onChanges: (changes) => feed.#hear(changes),
        onRestored: () => feed.#compareIn(0),
      });
      const read = await compareStates(context, eventId, states);
      for (const change of read?.newer ?? []) states.apply(change);
    } catch (error) {
      channel.ignore(eventId);
      throw error;
    }
    feed.#compareIn(compareEveryMs);
    return feed;
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  snapshot(): SeatsSnapshot {
    return takeSnapshot(this.#states);
  }

  /** @returns what ends the watching */
  watch(onUpdate: OnSeatsUpdate): () => void {
    const watcher = new SeatWatcher(this.#states, onUpdate, this.#context.logger);
    this.#watchers.add(watcher);
    return () => {
      watcher[Symbol.dispose]();
      this.#watchers.delete(watcher);
    };
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher[Symbol.dispose]();
    this.#watchers.clear();
    this.#channel.ignore(this.#eventId);
  }

  #hear(changes: readonly PublishedSeatChange[]): void {
    for (const { id, status, version } of changes) {
      const index = this.#states.indexOf(id);
      if (index !== undefined) this.#apply({ index, status, version });
    }
  }

  #apply(change: StateChange): void {
    if (!this.#states.apply(change)) return;
    for (const watcher of this.#watchers) watcher.touch(change.index);
  }

  /** Whether a lost message is an exception. */
  get #isHearing(): boolean {
    return this.#channel.isHeard(this.#eventId) && !this.#context.redis.isAway;
  }

  #compareIn(ms: number): void {
    if (this.#isStopped || this.#isComparing) return;
    clearTimeout(this.#timer);
    const restMs = this.#restsUntil - performance.now();
    this.#timer = setTimeout(() => void this.#compare(), Math.max(ms, restMs));
    this.#timer.unref();
  }

  async #compare(): Promise<void> {
    this.#isComparing = true;
    const startedAt = performance.now();
    let tookMs = 0;
    try {
      const read = await compareStates(this.#context, this.#eventId, this.#states);
      tookMs = performance.now() - startedAt;
      if (read !== null && read.disproved.length > 0) this.#takeBack(read.disproved);
      if (read !== null && read.newer.length > 0) this.#reconcile(read.newer);
    } catch (err) {
      // Of a database that is away others tell; it is asked again.
      this.#context.logger.debug({ err, part: 'live' }, 'the seats of an event could not be compared');
    }
    this.#isComparing = false;
    this.#restsUntil = startedAt + tookMs * (1 + restsPerComparison);
    const every = this.#isHearing ? compareEveryMs : compareAloneEveryMs;
    this.#compareIn(Math.max(0, every - tookMs));
  }

  /** The database is ahead: by messages that are still under way, or by such that were lost. */
  #reconcile(newer: readonly StateChange[]): void {
    if (!this.#isHearing) {
      for (const change of newer) this.#apply(change);
      return;
    }
    const judge = () => {
      if (this.#isStopped) return;
      const missed = newer.filter((change) => this.#states.apply(change));
      if (missed.length === 0) return;
      this.#context.metrics.seatChangesMissed.inc(missed.length);
      for (const watcher of this.#watchers) watcher.reset();
      this.#channel.doubt();
    };
    // When this process was busy itself, messages lie unread in its socket: they are read before they are called lost.
    setTimeout(() => setImmediate(judge), graceMs).unref();
  }

  /** Anybody who can reach Redis can publish, and a database can be set back: it has the last word. */
  #takeBack(disproved: readonly StateChange[]): void {
    for (const change of disproved) this.#states.set(change);
    const { logger } = this.#context;
    logger.warn(
      { eventId: this.#eventId, seats: disproved.length },
      'seats were not as change messages said',
    );
    for (const watcher of this.#watchers) watcher.reset();
  }
}
