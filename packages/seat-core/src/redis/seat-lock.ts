import { randomUUID } from 'node:crypto';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreLogger } from '../options.ts';
import type { Background } from '../resilience/background.ts';
import { CircuitOpenError, type CircuitBreaker } from '../resilience/circuit-breaker.ts';
import { compareAndDelete } from './compare-and-delete.ts';
import type { RedisClient, RedisNames } from './keys.ts';
import { limitLifetimes } from './limit-lifetimes.ts';
import { sendNow, Turns } from './turns.ts';

/** The locks of one request's seats, to be released whatever happened. */
export interface SeatLease {
  /** Deletes each lock that still carries this lease's token; another holder's lock stays. Never rejects. */
  release(): Promise<void>;
}

export interface SeatLocksOptions {
  readonly redis: CircuitBreaker<RedisClient>;
  readonly seatLockSeconds: number;
  readonly background: Background;
  readonly metrics: SeatCoreMetrics;
  readonly logger: SeatCoreLogger;
}

export interface SeatLockRequest {
  /** In ascending order. */
  readonly seatIds: readonly string[];
  readonly userId: string;
  /** The same for all requests with one idempotency key, empty without a key. */
  readonly keyTag: string;
}

interface LockTurn {
  readonly seatIds: readonly string[];
  readonly token: string;
}

/** What the script says of a key that is no text, so no lock. */
const noLock = '';

/** The present holder of each lock, or false when there was none and the lock is the caller's now. */
const lockOrTell = `
local holders = {}
for i, key in ipairs(KEYS) do
  local holder = redis.pcall('set', key, ARGV[i + 1], 'EX', ARGV[1], 'NX', 'GET')
  if type(holder) == 'table' then
    if string.sub(holder.err, 1, 9) ~= 'WRONGTYPE' then return holder end
    holder = '${noLock}'
  end
  holders[i] = holder
end
return holders`;

/**
 * The locks of seats. A lock saves work and decides nothing: when Redis cannot answer, the request goes on without a
 * lock and PostgreSQL decides.
 *
 * A command that timed out may still run later. So the lease releases its locks, too: on the same connection, so Redis
 * runs SET before DEL.
 *
 * @see https://redis.io/docs/latest/commands/set/#patterns (unique token, compare-and-delete)
 */
export class SeatLocks {
  readonly #options: SeatLocksOptions;
  readonly #locking: Turns<LockTurn, readonly (string | null)[]>;
  readonly #releasing: Turns<LockTurn, void>;

  constructor(options: SeatLocksOptions) {
    this.#options = options;
    this.#locking = new Turns((turn) => this.#lock(turn));
    this.#releasing = new Turns((turn) => this.#release(turn));
  }

  /**
   * Locks all seats or none.
   *
   * @returns the lease; `duplicate` when a request with the same idempotency key holds one of the locks, `busy` when
   *   any other request does
   */
  async tryLock({ seatIds, userId, keyTag }: SeatLockRequest): Promise<SeatLease | 'busy' | 'duplicate'> {
    const { metrics, logger } = this.#options;
    const token = `${userId}:${keyTag}${randomUUID()}`;
    let holders: readonly (string | null)[] = [];
    let failure: unknown;
    try {
      holders = await this.#locking.ask({ seatIds, token });
    } catch (error) {
      failure = error;
    }
    const others = seatIds.filter((_, index) => typeof holders[index] === 'string');
    if (others.length > 0) this.#limitLifetimes(others);
    const isBusy = holders.some((holder) => typeof holder === 'string' && holder !== noLock);
    const result = isBusy ? 'busy' : failure === undefined && others.length === 0 ? 'acquired' : 'error';
    metrics.seatLocks.inc({ result });
    logger.debug({ seatIds, result, err: failure }, 'seat lock');
    const mayBeOurs = failure instanceof CircuitOpenError ? [] : seatIds.filter((id) => !others.includes(id));
    const release = async () => {
      if (mayBeOurs.length > 0) await this.#releasing.ask({ seatIds: mayBeOurs, token });
    };
    if (!isBusy) return { release };
    await release();
    const isDuplicate = (holder: string | null) =>
      keyTag !== '' && holder?.startsWith(`${userId}:${keyTag}`) === true;
    return holders.some(isDuplicate) ? 'duplicate' : 'busy';
  }

  async #lock(turn: readonly LockTurn[]): Promise<readonly (readonly (string | null)[])[]> {
    const { redis, seatLockSeconds } = this.#options;
    const holders = (await redis.run(({ connection, names }) => {
      const [keys, tokens] = keysAndTokens(names, turn);
      return sendNow(connection, ['eval', lockOrTell, keys.length, ...keys, seatLockSeconds, ...tokens]);
    })) as (string | null)[];
    let next = 0;
    return turn.map(({ seatIds }) => holders.slice(next, (next += seatIds.length)));
  }

  async #release(turn: readonly LockTurn[]): Promise<readonly void[]> {
    const { redis, background } = this.#options;
    const release = ({ connection, names }: RedisClient) => {
      const [keys, tokens] = keysAndTokens(names, turn);
      return sendNow(connection, ['eval', compareAndDelete, keys.length, ...keys, ...tokens]);
    };
    const released = background.withinBudget(redis.isOpen ? release(redis.client) : redis.run(release));
    // After a failure of Redis these requests wait for it no more.
    if (!redis.isOpen) await released;
    return turn.map(() => undefined);
  }

  /** For keys that seat-core did not write. */
  #limitLifetimes(seatIds: readonly string[]): void {
    const { redis, background, seatLockSeconds } = this.#options;
    const keys = (names: RedisNames) => seatIds.map((seatId) => names.seatLock(seatId));
    void background.withinBudget(limitLifetimes(redis, keys, seatLockSeconds * 1_000));
  }
}

function keysAndTokens(names: RedisNames, turn: readonly LockTurn[]): [keys: string[], tokens: string[]] {
  const keys: string[] = [];
  const tokens: string[] = [];
  for (const { seatIds, token } of turn) {
    for (const seatId of seatIds) {
      keys.push(names.seatLock(seatId));
      tokens.push(token);
    }
  }
  return [keys, tokens];
}
