import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

/** Every reason to refuse a token, with the words of its log line. */
const reasons = {
  malformed: 'the header Authorization holds no signed JWT',
  algorithm: 'their algorithm is not allowed',
  unknown_key: 'no key fits them',
  signature: 'their signature is wrong',
  expired: 'they have expired',
  not_yet_valid: 'they are not valid yet',
  issuer: 'their iss is not JWT_ISSUER',
  audience: 'their aud is not JWT_AUDIENCE',
  subject: 'their sub is not 1 to 128 visible ASCII characters',
  missing_claim: 'a claim is missing',
  claim_type: 'a claim has the wrong type',
  keys_unavailable: 'the keys that verify them cannot be read',
} as const satisfies Record<string, string>;

export type RefusalReason = keyof typeof reasons;

/** A line in the log for each reason and minute. */
const lineIntervalMs = 60_000;

/**
 * Counts refused tokens in `tokens_refused_total`, and logs them: the first of a reason at once, then their number once a
 * minute.
 *
 * @returns counts one; `details` are members of the line, and hold nothing of an unverified token
 */
export function createRefusalCounter({
  logger,
  registry,
}: {
  readonly logger: Logger;
  readonly registry: Registry;
}): (reason: RefusalReason, details?: object) => void {
  const counter = new Counter({
    name: 'tokens_refused_total',
    help: 'Tokens that were refused, by reason.',
    labelNames: ['reason'] as const,
    registers: [registry],
  });
  for (const reason of Object.keys(reasons)) counter.inc({ reason }, 0);
  const pending = new Map<RefusalReason, { count: number; details: object }>();

  const log = (reason: RefusalReason, { count, details }: { count: number; details: object }) => {
    logger.warn({ reason, count, ...details }, `tokens refused: ${reasons[reason]}`);
    const waiting = { count: 0, details };
    pending.set(reason, waiting);
    setTimeout(() => {
      if (waiting.count === 0) pending.delete(reason);
      else log(reason, waiting);
    }, lineIntervalMs).unref();
  };

  return (reason, details = {}) => {
    counter.inc({ reason });
    const waiting = pending.get(reason);
    if (waiting === undefined) return log(reason, { count: 1, details });
    waiting.count += 1;
    waiting.details = details;
  };
}
