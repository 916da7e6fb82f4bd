import type { Redis } from 'ioredis';
import type { SeatCoreLogger } from '../options.ts';
import { inTime } from '../resilience/deadline.ts';
import type { PublishedSeatChange } from '../announce/publish-commit.ts';
import { isSeatStatus } from '../types.ts';

/** Who hears the changes of one event. */
export interface ChannelListener {
  readonly onChanges: (changes: readonly PublishedSeatChange[]) => void;
  /** The channel is heard again: what was said in between is lost. */
  readonly onRestored: () => void;
}

/** The longest that whoever begins to listen waits for the connection. */
const connectBudgetMs = 250;

const channelOf = (eventId: string) => `seats:changes:${eventId}`;

/**
 * Hears what any process publishes about the seats of events, on a connection of its own: one that subscribes can do
 * nothing else. It is opened with the first listener, and found again by itself; whoever must be sure asks the
 * database, for a message that was sent while it was away is gone.
 */
export class SeatChannel {
  readonly #owner: Redis;
  readonly #logger: SeatCoreLogger;
  readonly #listeners = new Map<string, ChannelListener>();
  /** The events whose channels Redis has confirmed on the present connection. */
  readonly #heard = new Set<string>();
  /** Those whose listeners wait for the first connection, and will subscribe themselves. */
  readonly #beginning = new Set<string>();
  #subscriber: Redis | undefined;
  #connected: Promise<void> = Promise.resolve();

  /** @param owner whose settings the connection takes over */
  constructor(owner: Redis, logger: SeatCoreLogger) {
    this.#owner = owner;
    this.#logger = logger;
  }

  /** Whether a message about this event would arrive, as far as anybody can tell. */
  isHeard(eventId: string): boolean {
    return this.#heard.has(eventId);
  }

  /** Resolves when the channel is heard, or when that failed: then it is tried again with each new connection. */
  async listen(eventId: string, listener: ChannelListener): Promise<void> {
    this.#listeners.set(eventId, listener);
    this.#beginning.add(eventId);
    const subscriber = (this.#subscriber ??= this.#open());
    await inTime('redis', connectBudgetMs, this.#connected).catch(() => undefined);
    this.#beginning.delete(eventId);
    if (subscriber.status === 'ready') await this.#subscribe(subscriber, [eventId]);
  }

  ignore(eventId: string): void {
    this.#listeners.delete(eventId);
    this.#heard.delete(eventId);
    if (this.#subscriber?.status !== 'ready') return;
    this.#subscriber.unsubscribe(channelOf(eventId)).catch((err: unknown) => this.#note(err));
  }

  /** Replaces a connection whose other side has vanished without a word; called when a message was missed. */
  doubt(): void {
    const subscriber = this.#subscriber;
    if (subscriber?.status !== 'ready') return;
    subscriber.ping().catch((err: unknown) => {
      this.#note(err);
      if (subscriber.status === 'ready') subscriber.disconnect(true);
    });
  }

  [Symbol.dispose](): void {
    this.#listeners.clear();
    this.#heard.clear();
    this.#subscriber?.disconnect();
  }

  #open(): Redis {
    const subscriber = this.#owner.duplicate({ autoResubscribe: false, enableAutoPipelining: false });
    subscriber.on('error', (err) => this.#note(err));
    subscriber.on('close', () => this.#heard.clear());
    subscriber.on('ready', () => void this.#restore(subscriber));
    subscriber.on('message', (channel: string, message: string) => this.#hear(channel, message));
    this.#connected = subscriber.connect();
    this.#connected.catch((err: unknown) => this.#note(err));
    return subscriber;
  }

  async #restore(subscriber: Redis): Promise<void> {
    const eventIds = [...this.#listeners.keys()].filter((eventId) => !this.#beginning.has(eventId));
    if (eventIds.length === 0) return;
    await this.#subscribe(subscriber, eventIds);
    for (const eventId of eventIds) if (this.isHeard(eventId)) this.#listeners.get(eventId)?.onRestored();
  }

  async #subscribe(subscriber: Redis, eventIds: readonly string[]): Promise<void> {
    try {
      await subscriber.subscribe(...eventIds.map(channelOf));
      for (const eventId of eventIds) if (this.#listeners.has(eventId)) this.#heard.add(eventId);
    } catch (err) {
      this.#note(err);
      // Whether it is subscribed is unknown now; the next connection asks anew.
      if (subscriber.status === 'ready') subscriber.disconnect(true);
    }
  }

  #hear(channel: string, message: string): void {
    const eventId = channel.slice(channelOf('').length);
    const changes = parseChanges(message);
    if (changes === undefined) this.#logger.warn({ channel }, 'a change message could not be read');
    else this.#listeners.get(eventId)?.onChanges(changes);
  }

  /** The owner of the connection of locks and caches hears of outages, once. */
  #note(err: unknown): void {
    this.#logger.debug({ err, part: 'live' }, 'the channel of seat changes');
  }
}

/** Anybody who can reach Redis can publish: what is not what seat-core publishes is not believed. */
function parseChanges(message: string): readonly PublishedSeatChange[] | undefined {
  try {
    const parsed: unknown = JSON.parse(message);
    return Array.isArray(parsed) && parsed.every(isChange) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isChange(value: unknown): value is PublishedSeatChange {
  if (typeof value !== 'object' || value === null) return false;
  const { id, status, version } = value as Partial<Record<keyof PublishedSeatChange, unknown>>;
  return typeof id === 'string' && isSeatStatus(status) && Number.isSafeInteger(version);
}
