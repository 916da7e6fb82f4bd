import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../options.ts';
import { isLockTimeout, isViolationOf } from '../postgres/error-mapping.ts';
import { SeatCoreError } from '../errors.ts';
import { InputCheck } from '../validation.ts';
import { readRows, type NamedStatement } from '../postgres/statement.ts';

/** A key under which the effect of a request is remembered, so that sending it again does nothing twice. */
export interface IdempotencyInput {
  /** Who sends it: the keys of two callers never meet. */
  readonly caller: string;
  /** What is asked of whom, as a template: `POST /api/v1/booking`. */
  readonly route: string;
  /** 1–255 visible ASCII characters. */
  readonly key: string;
  /** SHA-256 (32 bytes) over all that is asked for: another request under the same key is refused by it. */
  readonly fingerprint: Uint8Array;
}

/** What a verb answers that takes an idempotency key. */
export type Replayable<Answer> = Answer & {
  /** True when an earlier request with the same key had the effect; the answer is what that one got. */
  readonly replayed: boolean;
};

/** A key as the statements take it. */
export interface IdempotencyKey {
  /** SHA-256 over caller, route and key; its length is the same for all. */
  readonly id: Buffer;
  readonly fingerprint: Buffer;
}

/** The effect that a key stands for. */
export interface RememberedEffect {
  readonly event_id: string;
  /** Null for the key of an event. */
  readonly booking_id: string | null;
}

/** @throws VALIDATION_FAILED */
export function toIdempotencyKey(input: IdempotencyInput | undefined): IdempotencyKey | null {
  if (input === undefined) return null;
  const check = new InputCheck();
  const key = check.idempotencyKey('/idempotency/key', input.key);
  if (input.fingerprint.length !== 32) check.fault('/idempotency/fingerprint', 'must be 32 bytes');
  check.throwIfAny();
  // A length in front of each part, so that no two triples have one text.
  const parts = [input.caller, input.route, key].map((part) => `${part.length}:${part}`);
  return {
    id: createHash('sha256').update(parts.join('')).digest(),
    fingerprint: Buffer.from(input.fingerprint),
  };
}

interface Attempt {
  readonly fingerprint: Buffer;
  readonly outcome: Promise<unknown>;
}

/** How long, and how often, a request looks for the effect of a twin that another process is working on. */
const twinPatienceMs = 1_000;
const twinPollMs = 50;

/**
 * Runs a request under its key, once, however often and wherever it is sent. The key itself is written by the
 * statement that has the effect; here it is looked up before anything may refuse, and again before a refusal is
 * answered, because a twin may have had the effect meanwhile. Twins in one process share one attempt.
 *
 * @param act has the effect and remembers the key, or refuses
 * @param replay renders what the request that had the effect was answered
 */
export async function onceByKey<Answer extends object>(
  context: Context,
  key: IdempotencyKey | null,
  act: () => Promise<Answer>,
  replay: (effect: RememberedEffect) => Promise<Answer>,
): Promise<Replayable<Answer>> {
  if (key === null) return { ...(await act()), replayed: false };
  const name = key.id.toString('base64');
  const twin = context.attempts.get(name);
  if (twin !== undefined) {
    if (twin.fingerprint.equals(key.fingerprint)) {
      return { ...((await twin.outcome) as Replayable<Answer>), replayed: true };
    }
    // Whether the key is taken is known when the other is through.
    await twin.outcome.catch(() => undefined);
    return onceByKey(context, key, act, replay);
  }
  const outcome = attempt(context, key, act, replay).finally(() => context.attempts.delete(name));
  context.attempts.set(name, { fingerprint: key.fingerprint, outcome });
  return outcome;
}

/** The requests under a key that this process is working on, by key. */
export type Attempts = Map<string, Attempt>;

async function attempt<Answer extends object>(
  context: Context,
  key: IdempotencyKey,
  act: () => Promise<Answer>,
  replay: (effect: RememberedEffect) => Promise<Answer>,
): Promise<Replayable<Answer>> {
  const known = await find(context, key);
  if (known !== null) return { ...(await replay(known)), replayed: true };
  try {
    return { ...(await act()), replayed: false };
  } catch (error) {
    const isTwinAtWork = isTwinRefusal(error);
    if (!isTwinAtWork && !isRefusal(error)) throw error;
    const effect = await find(context, key, isTwinAtWork ? twinPatienceMs : 0);
    if (effect !== null) return { ...(await replay(effect)), replayed: true };
    if (!isTwinAtWork) throw error;
    throw new SeatCoreError(
      'IDEMPOTENCY_KEY_IN_PROGRESS',
      'a request with this key is being worked on',
      {},
      {
        cause: error,
      },
    );
  }
}

/** A word of the engine about the request, as opposed to one about the database. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof SeatCoreError && error.code !== 'DEPENDENCY_UNAVAILABLE' && error.code !== 'OVERLOADED'
  );
}

/** Somebody is writing the same key this moment, or has done so since it was looked up. */
function isTwinRefusal(error: unknown): boolean {
  if (!(error instanceof SeatCoreError)) return isViolationOf(error, 'idempotency_keys_pkey');
  return error.code === 'IDEMPOTENCY_KEY_IN_PROGRESS' || isLockTimeout(error.cause);
}

/** @throws IDEMPOTENCY_KEY_REUSED */
async function find(context: Context, key: IdempotencyKey, patienceMs = 0): Promise<RememberedEffect | null> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const [row] = await readRows<RememberedEffect & { fingerprint: Buffer }>(context, findKeyStatement, [
      key.id,
    ]);
    if (row !== undefined) {
      if (row.fingerprint.equals(key.fingerprint)) return row;
      throw new SeatCoreError('IDEMPOTENCY_KEY_REUSED', 'the key belongs to another request');
    }
    if (performance.now() >= deadline) return null;
    await delay(twinPollMs);
  }
}

const findKeyStatement: NamedStatement = {
  name: 'find-idempotency-key',
  text: 'select fingerprint, event_id, booking_id from idempotency_keys where id = $1',
};
