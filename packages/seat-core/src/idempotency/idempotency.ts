import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SeatCoreError } from '../errors.ts';
import type { Connections } from '../postgres/connections.ts';
import { isLockTimeoutAt, isViolationOf } from '../postgres/error-mapping.ts';
import { withKnownOutcome } from '../postgres/unknown-outcome.ts';
import type { SeatCoreLogger } from '../options.ts';
import { InputCheck } from '../validation.ts';
import { findKeyStatement } from './idempotency.sql.ts';

/** What a verb returns that takes an idempotency key. */
export type Repeatable<Answer> = Answer & {
  /** True when an earlier request with the same key had the effect; the answer is the one that request got. */
  readonly replayed: boolean;
};

/** An idempotency key as the statements take it: 32 bytes each. */
export interface IdempotencyKey {
  /** SHA-256 over caller, verb and key. */
  readonly id: Buffer;
  /** SHA-256 over the request: another request under the same key has another one. */
  readonly fingerprint: Buffer;
}

/** The effect that a key stands for. */
export interface RememberedEffect {
  readonly event_id: string;
  /** Null for the key of an event. */
  readonly booking_id: string | null;
}

/**
 * Reads the key of a request.
 *
 * @param scope.caller keys of two callers never meet
 * @param scope.verb keys of two verbs never meet
 * @param scope.request all that the request asks for, in a fixed order of members
 * @returns null without a key
 * @throws VALIDATION_FAILED
 */
export function toIdempotencyKey(
  key: string | undefined,
  scope: { readonly caller: string; readonly verb: string; readonly request: unknown },
): IdempotencyKey | null {
  if (key === undefined) return null;
  const check = new InputCheck(scope);
  check.idempotencyKey('/idempotencyKey', key);
  check.throwIfAny();
  // A length in front of each part, so that no two triples have one text.
  const parts = [scope.caller, scope.verb, key].map((part) => `${part.length}:${part}`);
  return {
    id: sha256(parts.join('')),
    fingerprint: sha256(JSON.stringify([scope.verb, scope.request])),
  };
}

interface Attempt {
  readonly fingerprint: Buffer;
  readonly outcome: Promise<unknown>;
}

/** How long, and how often, a request waits for the effect of a duplicate in another process. */
const duplicateTimeoutMs = 1_000;
const duplicatePollMs = 50;

/**
 * Runs a request under its key once, however often and to whichever process it is sent. The statement that has the
 * effect also writes the key. The key is looked up before any step may refuse, and again before a refusal is
 * answered, because a duplicate may have had the effect meanwhile. Duplicates in one process share one attempt.
 */
export class IdempotentRequests {
  readonly #connections: Connections;
  readonly #logger: SeatCoreLogger;
  /** The attempts under way in this process, by key id. */
  readonly #attempts = new Map<string, Attempt>();

  constructor(connections: Connections, logger: SeatCoreLogger) {
    this.#connections = connections;
    this.#logger = logger;
  }

  /**
   * @param perform has the effect and writes the key, or refuses
   * @param repeat renders the answer that the request with the effect got
   * @throws what `perform` throws; an unexpected error as `withKnownOutcome` says
   */
  run<Answer extends object>(
    key: IdempotencyKey | null,
    perform: () => Promise<Answer>,
    repeat: (effect: RememberedEffect) => Promise<Answer>,
  ): Promise<Repeatable<Answer>> {
    return withKnownOutcome(this.#logger, () => this.#run(key, perform, repeat));
  }

  async #run<Answer extends object>(
    key: IdempotencyKey | null,
    perform: () => Promise<Answer>,
    repeat: (effect: RememberedEffect) => Promise<Answer>,
  ): Promise<Repeatable<Answer>> {
    if (key === null) return { ...(await perform()), replayed: false };
    const name = key.id.toString('base64');
    const duplicate = this.#attempts.get(name);
    if (duplicate !== undefined) {
      if (duplicate.fingerprint.equals(key.fingerprint)) {
        return { ...((await duplicate.outcome) as Repeatable<Answer>), replayed: true };
      }
      // Whether the key is taken is known when the other request has ended.
      await duplicate.outcome.catch(() => undefined);
      return this.#run(key, perform, repeat);
    }
    const outcome = this.#attempt(key, perform, repeat).finally(() => this.#attempts.delete(name));
    this.#attempts.set(name, { fingerprint: key.fingerprint, outcome });
    return outcome;
  }

  async #attempt<Answer extends object>(
    key: IdempotencyKey,
    perform: () => Promise<Answer>,
    repeat: (effect: RememberedEffect) => Promise<Answer>,
  ): Promise<Repeatable<Answer>> {
    const known = await this.#find(key);
    if (known !== null) return { ...(await repeat(known)), replayed: true };
    try {
      return { ...(await perform()), replayed: false };
    } catch (error) {
      const isDuplicate = isDuplicateAtWork(error);
      if (!isDuplicate && !isRefusal(error)) throw error;
      const effect = await this.#find(key, isDuplicate ? duplicateTimeoutMs : 0);
      if (effect !== null) return { ...(await repeat(effect)), replayed: true };
      if (!isDuplicate) throw error;
      throw new SeatCoreError(
        'IDEMPOTENCY_KEY_IN_PROGRESS',
        'a request with this key is in progress',
        {},
        { cause: error },
      );
    }
  }

  /** @throws IDEMPOTENCY_KEY_REUSED */
  async #find(key: IdempotencyKey, timeoutMs = 0): Promise<RememberedEffect | null> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const [row] = await this.#connections.rows<RememberedEffect & { fingerprint: Buffer }>(
        findKeyStatement,
        [key.id],
      );
      if (row !== undefined) {
        if (row.fingerprint.equals(key.fingerprint)) return row;
        throw new SeatCoreError('IDEMPOTENCY_KEY_REUSED', 'the key belongs to a different request');
      }
      if (performance.now() >= deadline) return null;
      await delay(duplicatePollMs);
    }
  }
}

/** The engine refused the request, as opposed to: PostgreSQL could not be asked. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof SeatCoreError && error.code !== 'DEPENDENCY_UNAVAILABLE' && error.code !== 'OVERLOADED'
  );
}

const keyConstraint = 'idempotency_keys_pkey';

/** A duplicate is writing the same key this moment, or has written it since the look-up. */
function isDuplicateAtWork(error: unknown): boolean {
  if (!(error instanceof SeatCoreError)) return isViolationOf(error, keyConstraint);
  return error.code === 'IDEMPOTENCY_KEY_IN_PROGRESS' || isLockTimeoutAt(error.cause, keyConstraint);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
