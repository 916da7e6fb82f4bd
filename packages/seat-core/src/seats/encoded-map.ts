import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** How a map can be sent: as it is, or as most clients can read it. */
export type MapEncoding = 'identity' | 'gzip' | 'br';

/**
 * Quick rather than small, as a map lives for a second; in threads of their own. (Measured on 100,000 seats, 20 MB:
 * gzip 1 0.20 s, 2.1 MB; gzip 6 0.60 s, 2.0 MB; brotli 1 0.23 s, 1.95 MB; brotli 4 1.0 s, 1.86 MB. Random ids are most
 * of what is left.)
 */
const encoders: Readonly<Record<Exclude<MapEncoding, 'identity'>, (json: Buffer) => Promise<Buffer>>> = {
  gzip: async (json) => promisify(gzip)(json, { level: 1 }),
  br: async (json) =>
    promisify(brotliCompress)(json, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 1,
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_SIZE_HINT]: json.length,
      },
    }),
};

/** A built map and its compressed forms: each is made once, when somebody first asks for it, and shared. */
export class EncodedMap {
  readonly #json: Buffer;
  readonly #onEncoded: (tookMs: number) => void;
  readonly #encoded = new Map<MapEncoding, Promise<Buffer>>();

  /** @param onEncoded told how long an encoding took */
  constructor(json: Buffer, onEncoded: (tookMs: number) => void) {
    this.#json = json;
    this.#onEncoded = onEncoded;
  }

  as(encoding: MapEncoding): Promise<Buffer> {
    if (encoding === 'identity') return Promise.resolve(this.#json);
    let encoded = this.#encoded.get(encoding);
    if (encoded === undefined) {
      const startedAt = performance.now();
      encoded = encoders[encoding](this.#json);
      this.#encoded.set(encoding, encoded);
      encoded.then(
        () => this.#onEncoded(performance.now() - startedAt),
        () => this.#encoded.delete(encoding),
      );
    }
    return encoded;
  }
}
