import { randomInt } from 'node:crypto';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { Background } from '../resilience/background.ts';
import type { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import type { RedisClient, RedisNames } from './keys.ts';
import { limitLifetimes } from './limit-lifetimes.ts';
import { sendNow, Turns } from './turns.ts';

/** The value that the status key of a seat should have. AVAILABLE means: no key. */
export type CachedSeat =
  | { readonly seatId: string; readonly status: 'AVAILABLE' | 'SOLD' }
  | { readonly seatId: string; readonly status: 'RESERVED'; readonly expiresAt: Date };

export interface GatekeeperOptions {
  readonly redis: CircuitBreaker<RedisClient>;
  readonly holdSeconds: number;
  /** Whether this process knows the seat as SOLD, because it follows its event. */
  readonly isSold: (seatId: string) => boolean;
  readonly background: Background;
  readonly metrics: SeatCoreMetrics;
}

/** For so long a seat that was found taken is expected to be so. */
const expectedTakenMs = 1_000;
const maxExpectedTaken = 10_000;

/** How many turns with hits cost a look at the lifetime of the key: a crowd's refusals must stay cheap. */
const turnsPerLook = 16;

/**
 * The gatekeeper: finds the seats that this process or the cache knows as taken. A seat that was sold stays sold, so the
 * process's own word counts. A release must be seen at once by every process, so RESERVED is the status key's to say. An
 * absent key, an unknown value and a Redis that does not answer all mean: ask PostgreSQL. Requests for a seat that come in
 * one turn share its look-up.
 */
export class Gatekeeper {
  readonly #options: GatekeeperOptions;
  readonly #lookups: Turns<readonly string[], readonly string[]>;
  #foundTaken = new Set<string>();
  #forgetsAt = 0;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
    this.#lookups = new Turns((requests) => this.#find(requests));
  }

  /** @returns those of the seats that are taken; never rejects */
  findTaken(seatIds: readonly string[]): Promise<readonly string[]> {
    return this.#lookups.ask(seatIds);
  }

  /** Whether none of the seats was found taken a moment ago. Such a request is worth a lock that may turn out to be in vain. */
  expectsFree(seatIds: readonly string[]): boolean {
    const { isSold } = this.#options;
    return !seatIds.some((seatId) => this.#foundTaken.has(seatId) || isSold(seatId));
  }

  async #find(requests: readonly (readonly string[])[]): Promise<readonly (readonly string[])[]> {
    const { isSold, metrics } = this.#options;
    const seatIds = [...new Set(requests.flat())];
    const sold = new Set(seatIds.filter(isSold));
    const statuses = await this.#read(seatIds.filter((seatId) => !sold.has(seatId)));
    const isTaken = (seatId: string) => {
      const status = sold.has(seatId) ? 'SOLD' : statuses?.get(seatId);
      return status === 'RESERVED' || status === 'SOLD';
    };
    const taken = requests.map((request) => request.filter(isTaken));
    const hits = count(taken);
    if (hits > 0) metrics.seatStatusCache.inc({ result: 'hit' }, hits);
    const others = count(requests) - hits;
    if (others > 0)
      metrics.seatStatusCache.inc({ result: statuses === undefined ? 'error' : 'miss' }, others);
    if (performance.now() > this.#forgetsAt) {
      this.#foundTaken = new Set();
      this.#forgetsAt = performance.now() + expectedTakenMs;
    }
    // SOLD has no end; RESERVED ends with its hold.
    for (const [seatId, status] of statuses ?? []) {
      if (isTaken(seatId) && this.#foundTaken.size < maxExpectedTaken) this.#foundTaken.add(seatId);
      if (status === 'RESERVED' && randomInt(turnsPerLook) === 0) this.#limitLifetime(seatId);
    }
    return taken;
  }

  /** @returns undefined when Redis does not answer: the circuit breaker logs the outage */
  async #read(seatIds: readonly string[]): Promise<ReadonlyMap<string, string | null> | undefined> {
    if (seatIds.length === 0) return new Map();
    const read = ({ connection, names }: RedisClient) =>
      sendNow(connection, ['mget', ...seatIds.map((seatId) => names.status(seatId))]);
    const statuses = (await this.#options.redis.run(read).catch(() => undefined)) as
      (string | null)[] | undefined;
    return statuses && new Map(statuses.map((status, index) => [seatIds[index]!, status]));
  }

  #limitLifetime(seatId: string): void {
    const { redis, background, holdSeconds } = this.#options;
    const keys = (names: RedisNames) => [names.status(seatId)];
    void background.withinBudget(limitLifetimes(redis, keys, holdSeconds * 1_000));
  }
}

function count(requests: readonly (readonly string[])[]): number {
  return requests.reduce((sum, seatIds) => sum + seatIds.length, 0);
}

/** The present values of the status keys, in the order of the ids; null where there is no key. */
export async function readCachedStatuses(
  { connection, names }: RedisClient,
  seatIds: readonly string[],
): Promise<(string | null)[]> {
  return connection.mget(seatIds.map((seatId) => names.status(seatId)));
}

/** Each key on its own: a Redis that is full refuses SET, and still deletes. */
const writeStatuses = `
local refusal
for i, key in ipairs(KEYS) do
  local reply
  if ARGV[i] == 'AVAILABLE' then reply = redis.pcall('del', key)
  elseif ARGV[i] == 'SOLD' then reply = redis.pcall('set', key, 'SOLD')
  else reply = redis.pcall('set', key, 'RESERVED', 'PXAT', ARGV[i]) end
  if type(reply) == 'table' and reply.err then refusal = reply end
end
return refusal`;

/** Bounds how long Redis works on one command. */
const seatsAtOnce = 512;

/**
 * Writes the status keys of seats. SOLD stays until it is deleted; RESERVED ends with its hold at the latest, so a
 * lost delete or a late write cannot block a free seat for ever; AVAILABLE is no key.
 */
export async function cacheSeatStatuses(
  { connection, names }: RedisClient,
  seats: readonly CachedSeat[],
): Promise<void> {
  const writes: Promise<unknown>[] = [];
  for (let start = 0; start < seats.length; start += seatsAtOnce) {
    const slice = seats.slice(start, start + seatsAtOnce);
    const keys = slice.map(({ seatId }) => names.status(seatId));
    const values = slice.map((seat) => (seat.status === 'RESERVED' ? seat.expiresAt.getTime() : seat.status));
    writes.push(connection.eval(writeStatuses, keys.length, ...keys, ...values));
  }
  await Promise.all(writes);
}
