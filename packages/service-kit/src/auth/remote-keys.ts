import { KeyObject } from 'node:crypto';
import { createRemoteJWKSet, customFetch, type JWTHeaderParameters } from 'jose';
import type { Logger } from 'pino';
import { HttpError } from '../problems/http-error.ts';

/** Finds the public key that the header of a token names, as PEM. */
export type KeyFinder = (header: JWTHeaderParameters) => Promise<string>;

/** Tokens with invented key ids cause a request to JWKS_URL no more often than this. */
const cooldownMs = 10_000;
/** Revoked keys are forgotten after this long; a new key is found at once. */
const maxAgeMs = 600_000;
const timeoutMs = 1_500;

/**
 * The keys behind JWKS_URL: read at the start, again when a token names an unknown key, and every ten minutes. While the
 * URL does not answer, the keys that were read stay valid.
 */
export function createRemoteKeys(url: string, logger: Logger): KeyFinder {
  const pems = new WeakMap<object, string>();
  let requestedAt = -Infinity;

  const keySet = createRemoteJWKSet(new URL(url), {
    timeoutDuration: timeoutMs,
    cooldownDuration: cooldownMs,
    // Refreshed below instead: the library would refuse every token as soon as it cannot read the keys again.
    cacheMaxAge: Infinity,
    [customFetch]: async (href, init) => {
      if (performance.now() - requestedAt < cooldownMs)
        throw new Error('JWKS_URL was requested less than 10 s ago');
      requestedAt = performance.now();
      try {
        const response = await fetch(href, init);
        if (response.status !== 200) throw new Error(`answered ${response.status}`);
        return response;
      } catch (err) {
        logger.warn({ err }, 'keys of JWKS_URL cannot be read');
        throw err;
      }
    },
  });
  const refresh = () => {
    keySet.reload().catch((err: unknown) => logger.debug({ err }, 'keys of JWKS_URL not refreshed'));
  };
  refresh();

  return async (header) => {
    if (keySet.jwks() !== undefined && performance.now() - requestedAt > maxAgeMs) refresh();
    try {
      const key = await keySet(header);
      const pem = pems.get(key) ?? KeyObject.from(key).export({ type: 'spki', format: 'pem' }).toString();
      pems.set(key, pem);
      return pem;
    } catch (cause) {
      if (keySet.jwks() !== undefined) throw cause;
      throw new HttpError('DEPENDENCY_UNAVAILABLE', [], { cause });
    }
  };
}
