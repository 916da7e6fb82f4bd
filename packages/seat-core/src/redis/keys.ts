import type { Redis } from 'ioredis';
import { InputCheck } from '../validation.ts';

/*
 * Every name that seat-core uses in Redis stands here, and nowhere else. Neighbouring teams may read these keys; the
 * queue's own keys are BullMQ's, below `queuePrefix`.
 */

export const expiryQueueName = 'ticket-cleanup';

/** No seat or event has this id: the probe asks for rights on names that carry it. */
const probeId = 'probe';

/** BullMQ puts the prefix between braces, so it has none. */
const validPrefix = /^[\x21-\x7a|~]{0,64}$/;

/** @throws VALIDATION_FAILED */
export function checkKeyPrefix(prefix: string): void {
  const check = new InputCheck({ prefix });
  if (typeof prefix !== 'string' || !validPrefix.test(prefix)) {
    check.error('/redisKeyPrefix', 'must be up to 64 visible ASCII characters without { and }');
  }
  check.throwIfAny();
}

/** The names of one installation: `prefix` stands before each of them. */
export class RedisNames {
  readonly #prefix: string;
  readonly #database: number;

  /**
   * @param prefix up to 64 visible ASCII characters without braces
   * @param database the number of the logical database: pub/sub ignores it, so channels carry it
   * @throws VALIDATION_FAILED
   */
  constructor(prefix: string, database: number) {
    checkKeyPrefix(prefix);
    this.#prefix = prefix;
    this.#database = database;
  }

  /** `RESERVED` or `SOLD`; absent means: ask PostgreSQL. */
  status(seatId: string): string {
    return `${this.#prefix}status:seat:${seatId}`;
  }

  /** `<userId>:<token>` of the request that is booking the seat this moment. */
  seatLock(seatId: string): string {
    return `${this.#prefix}lock:seat:${seatId}`;
  }

  /** JSON list of free seats of an event, or of all coming events. */
  availableSeats(eventId: string | undefined): string {
    return `${this.#prefix}seats:available${eventId === undefined ? '' : `:${eventId}`}`;
  }

  /** Held by the one process that loads that list. */
  availableSeatsLoader(eventId: string | undefined): string {
    return `${this.#prefix}lock:seats:available${eventId === undefined ? '' : `:${eventId}`}`;
  }

  /** Channel on which every commit publishes the seats that it changed. */
  seatChanges(eventId: string): string {
    return `${this.#prefix}seats:changes:${this.#database}:${eventId}`;
  }

  /** BullMQ's prefix. The braces put all keys of the queue into one slot. */
  get queuePrefix(): string {
    return `{${this.#prefix}bull}`;
  }

  /** Below the names of the queue; never exists. */
  get queueProbe(): string {
    return `${this.queuePrefix}:${expiryQueueName}:${probeId}`;
  }

  /** The names of no seat and no event. */
  get probe() {
    return {
      status: this.status(probeId),
      /** In another slot than `status`. */
      otherStatus: this.status(`other-${probeId}`),
      seatLock: this.seatLock(probeId),
      availableSeats: this.availableSeats(probeId),
      availableSeatsLoader: this.availableSeatsLoader(probeId),
      seatChanges: this.seatChanges(probeId),
    };
  }
}

/** A connection to Redis, and the names to use there. */
export interface RedisClient {
  readonly connection: Redis;
  readonly names: RedisNames;
}

/** @throws VALIDATION_FAILED */
export function withNames(connection: Redis, redisKeyPrefix = ''): RedisClient {
  return { connection, names: new RedisNames(redisKeyPrefix, connection.options.db ?? 0) };
}
