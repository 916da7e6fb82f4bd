import { createLocalJWKSet } from 'jose';
import type { Logger } from 'pino';
import { fetchKeySet, KeySetError, type KeySet } from './key-set.ts';

type FindKey = ReturnType<typeof createLocalJWKSet>;

/** Tokens with invented key ids cause a request to JWKS_URL no more often than this; after a failure it is asked again. */
const cooldownMs = 10_000;
/** Revoked keys are forgotten after this long; a new key is found at once. */
const maxAgeMs = 600_000;
/** The same failure is logged once in this time. */
const lineIntervalMs = 60_000;

/**
 * The keys behind JWKS_URL: read at the start, again when a token names an unknown key, and every ten minutes. While the
 * URL gives no usable key, the keys that were read stay valid.
 */
export class RemoteKeys {
  readonly #url: string;
  readonly #logger: Logger;
  #find: FindKey | undefined;
  #reading: Promise<void> | undefined;
  #readAt = -Infinity;
  #failure: string | undefined;
  #logged = { failure: '', refused: '', at: -Infinity };
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(url: string, logger: Logger) {
    this.#url = url;
    this.#logger = logger;
    this.#reading = this.#read();
  }

  /** Finds a key by the header of a token; undefined until keys could be read. */
  get find(): FindKey | undefined {
    return this.#find;
  }

  /** Why the last reading failed, after "JWKS_URL"; undefined when it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Reads the keys again, or waits for a reading in progress. @returns false when they were read a moment ago */
  async readAgain(): Promise<boolean> {
    if (this.#reading === undefined) {
      if (performance.now() - this.#readAt < cooldownMs) return false;
      this.#reading = this.#read();
    }
    await this.#reading;
    return true;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    this.#readAt = performance.now();
    try {
      const set = await fetchKeySet(this.#url);
      this.#find = createLocalJWKSet({ keys: [...set.keys] });
      this.#logRead(set);
      this.#failure = undefined;
    } catch (err) {
      this.#failure = err instanceof KeySetError ? err.message : 'cannot be used';
      this.#logFailure(err);
    }
    this.#reading = undefined;
    if (this.#isClosed) return;
    const next = () => void this.readAgain();
    this.#timer = setTimeout(next, this.#failure === undefined ? maxAgeMs : cooldownMs).unref();
  }

  #logRead({ keys, refused }: KeySet): void {
    if (this.#failure !== undefined) this.#logger.info({ keys: keys.length }, 'keys of JWKS_URL read again');
    const text = JSON.stringify(refused);
    if (refused.length > 0 && text !== this.#logged.refused)
      this.#logger.warn({ refused: refused.slice(0, 10) }, 'keys of JWKS_URL not used');
    this.#logged = { failure: '', refused: text, at: -Infinity };
  }

  #logFailure(err: unknown): void {
    const failure = this.#failure ?? '';
    const isNew = failure !== this.#logged.failure;
    if (!isNew && performance.now() - this.#logged.at < lineIntervalMs) return;
    this.#logged = { ...this.#logged, failure, at: performance.now() };
    const jwksUri = err instanceof KeySetError ? err.jwksUri : undefined;
    this.#logger.warn(
      { err, ...(jwksUri !== undefined && { jwksUri }) },
      `keys of JWKS_URL cannot be read: it ${failure}`,
    );
  }
}
