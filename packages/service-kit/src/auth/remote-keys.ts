import { KeyObject } from 'node:crypto';
import { SeatCoreError } from '@ticketing/seat-core/errors';
import { createRemoteJWKSet, customFetch, type JWTHeaderParameters } from 'jose';
import type { Logger } from 'pino';

/** Finds the public key that a token says it is signed by, as PEM. */
export type KeyFinder = (header: JWTHeaderParameters) => Promise<string>;

/** Whoever invents key ids makes us ask for new keys no more often than this. */
const cooldownMs = 10_000;
/** Keys that were taken back are forgotten after this long; one that is new is found at once. */
const maxAgeMs = 600_000;
const timeoutMs = 1_500;

/**
 * The keys behind a JWKS URL: read at the start, again when a token names one that is not known, and every ten
 * minutes. While the URL does not answer, the keys that are known go on being good.
 */
export function createRemoteKeys(url: string, logger: Logger): KeyFinder {
  const pems = new WeakMap<object, string>();
  let askedAt = -Infinity;

  const keySet = createRemoteJWKSet(new URL(url), {
    timeoutDuration: timeoutMs,
    cooldownDuration: cooldownMs,
    // Not the library's business: it would refuse every token as soon as old keys cannot be read anew.
    cacheMaxAge: Infinity,
    [customFetch]: async (href, init) => {
      if (performance.now() - askedAt < cooldownMs) throw new Error('the keys were asked for a moment ago');
      askedAt = performance.now();
      try {
        const response = await fetch(href, init);
        if (response.status !== 200) throw new Error(`answered ${response.status}`);
        return response;
      } catch (err) {
        logger.warn({ err }, 'the keys of JWKS_URL cannot be read');
        throw err;
      }
    },
  });
  const refresh = () => {
    keySet.reload().catch((err: unknown) => logger.debug({ err }, 'the keys stay as they are'));
  };
  refresh();

  return async (header) => {
    if (keySet.jwks() !== undefined && performance.now() - askedAt > maxAgeMs) refresh();
    try {
      const key = await keySet(header);
      const pem = pems.get(key) ?? KeyObject.from(key).export({ type: 'spki', format: 'pem' }).toString();
      pems.set(key, pem);
      return pem;
    } catch (cause) {
      if (keySet.jwks() !== undefined) throw cause;
      throw new SeatCoreError(
        'DEPENDENCY_UNAVAILABLE',
        'there are no keys to check tokens by',
        {},
        { cause },
      );
    }
  };
}
