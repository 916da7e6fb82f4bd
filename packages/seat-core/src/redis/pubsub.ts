import { ReplyError, type Redis } from 'ioredis';
import type { SeatCoreLogger } from '../options.ts';
import { withDeadline } from '../resilience/deadline.ts';
import { isSeatStatus, type SeatStatus } from '../types.ts';
import { refuseOtherDatabase } from './connect.ts';
import type { RedisClient, RedisNames } from './keys.ts';

/** A seat as a commit left it. A message on the channel of an event is a JSON array of these. */
export interface PublishedSeatChange {
  readonly id: string;
  readonly status: SeatStatus;
  readonly version: number;
}

/** Publishes the seats of one event that a commit changed. Call it after the commit, never before. */
export async function publishSeatChanges(
  { connection, names }: RedisClient,
  eventId: string,
  changes: readonly PublishedSeatChange[],
): Promise<void> {
  await connection.publish(names.seatChanges(eventId), JSON.stringify(changes));
}

export interface SeatChangeListener {
  readonly onChanges: (changes: readonly PublishedSeatChange[]) => void;
  /** Redis confirmed the channel again after an outage: the messages of the outage are lost. */
  readonly onReconnected: () => void;
}

/** The longest that a new listener waits for the connection. */
const connectTimeoutMs = 250;
/** Until Redis is asked again for channels that it refused. */
const refusedPauseMs = 2_000;

/**
 * Receives the seat changes that any process publishes, on a Redis connection of its own, because a connection that
 * subscribes accepts no other commands. The connection opens with the first listener and reconnects by itself. Redis
 * keeps no messages, so a caller that must not miss a change compares with the database.
 */
export class SeatChangeSubscriber {
  readonly #owner: Redis;
  readonly #names: RedisNames;
  readonly #logger: SeatCoreLogger;
  /** By channel, as are the two sets. */
  readonly #listeners = new Map<string, SeatChangeListener>();
  /** Channels that Redis confirmed on the present connection. */
  readonly #confirmed = new Set<string>();
  /** Channels of new listeners that wait for the connection and then subscribe by themselves. */
  readonly #pending = new Set<string>();
  #connection: Redis | undefined;
  #connected: Promise<void> = Promise.resolve();
  #refusal: Error | undefined;
  #retry: NodeJS.Timeout | undefined;

  /** @param owner the client whose settings the connection copies; its owner logs outages */
  constructor({ connection, names }: RedisClient, logger: SeatCoreLogger) {
    this.#owner = connection;
    this.#names = names;
    this.#logger = logger;
  }

  /** The latest reply of a Redis that refuses a channel, for want of a right; undefined once it confirms one. */
  get refusal(): Error | undefined {
    return this.#refusal;
  }

  /** Whether Redis confirmed the channel of this event, and the connection is not known to be broken. */
  isSubscribed(eventId: string): boolean {
    return this.#confirmed.has(this.#names.seatChanges(eventId));
  }

  /** Resolves when Redis confirms the channel or the attempt fails; each new connection subscribes again. */
  async subscribe(eventId: string, listener: SeatChangeListener): Promise<void> {
    const channel = this.#names.seatChanges(eventId);
    this.#listeners.set(channel, listener);
    this.#pending.add(channel);
    const connection = (this.#connection ??= this.#open());
    await withDeadline('redis', connectTimeoutMs, this.#connected).catch(() => undefined);
    this.#pending.delete(channel);
    if (connection.status === 'ready') await this.#send(connection, [channel]);
  }

  unsubscribe(eventId: string): void {
    const channel = this.#names.seatChanges(eventId);
    this.#listeners.delete(channel);
    this.#confirmed.delete(channel);
    if (this.#connection?.status !== 'ready') return;
    this.#connection.unsubscribe(channel).catch((err: unknown) => this.#logError(err));
  }

  /** Call it when a message was missed: a connection whose other end vanished silently is replaced. */
  checkConnection(): void {
    const connection = this.#connection;
    if (connection?.status !== 'ready') return;
    connection.ping().catch((err: unknown) => {
      this.#logError(err);
      if (!(err instanceof ReplyError) && connection.status === 'ready') connection.disconnect(true);
    });
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#listeners.clear();
    this.#confirmed.clear();
    this.#connection?.disconnect();
  }

  #open(): Redis {
    const connection = this.#owner.duplicate({ autoResubscribe: false, enableAutoPipelining: false });
    connection.on('error', (err) => {
      refuseOtherDatabase(connection, err);
      this.#logError(err);
    });
    connection.on('close', () => this.#confirmed.clear());
    connection.on('ready', () => void this.#resubscribe(connection));
    connection.on('message', (channel: string, message: string) => this.#receive(channel, message));
    this.#connected = connection.connect();
    this.#connected.catch((err: unknown) => this.#logError(err));
    return connection;
  }

  async #resubscribe(connection: Redis): Promise<void> {
    const channels = [...this.#listeners.keys()].filter((channel) => !this.#pending.has(channel));
    if (channels.length === 0) return;
    await this.#send(connection, channels);
    for (const channel of channels)
      if (this.#confirmed.has(channel)) this.#listeners.get(channel)?.onReconnected();
  }

  async #send(connection: Redis, channels: readonly string[]): Promise<void> {
    try {
      await connection.subscribe(...channels);
      this.#refusal = undefined;
      for (const channel of channels) if (this.#listeners.has(channel)) this.#confirmed.add(channel);
    } catch (err) {
      this.#logError(err);
      if (err instanceof ReplyError) {
        this.#refusal = err as Error;
        this.#retryLater(connection);
        return;
      }
      // Whether Redis subscribed is unknown. The next connection subscribes anew.
      if (connection.status === 'ready') connection.disconnect(true);
    }
  }

  /** A new connection would be refused, too. */
  #retryLater(connection: Redis): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (this.#listeners.size === 0) this.#refusal = undefined;
      else if (connection.status === 'ready') void this.#resubscribe(connection);
    }, refusedPauseMs).unref();
  }

  #receive(channel: string, message: string): void {
    const changes = parseChanges(message);
    if (changes === undefined) this.#logger.warn({ channel }, 'unreadable seat change message ignored');
    else this.#listeners.get(channel)?.onChanges(changes);
  }

  /** At debug level: the circuit breaker of the owner logs each outage once. */
  #logError(err: unknown): void {
    this.#logger.debug({ err, dependency: 'redis' }, 'seat change subscriber: connection error');
  }
}

/** Every client of Redis can publish: a message that seat-core could not have published is ignored. */
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
