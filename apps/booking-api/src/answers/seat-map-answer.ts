import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { SeatCore, SeatMap } from '@ticketing/seat-core';
import { LRUCache } from 'lru-cache';
import type { Encoding } from './preferred-encoding.ts';
import { serializeSeatMap, type SeatMapJson } from './seat-map-json.ts';

/** After reading, serializing and compressing a map its event pauses for four times as long: a fifth of the time of the process at most. */
const pausePerWork = 4;
const oldAfterMs = 1_000;
/** Seats of all kept answers together; a seat costs about half a kilobyte. */
const maxSeatsKept = 400_000;

interface MapSource {
  readonly getSeatMap: SeatCore['getSeatMap'];
  /** @throws EVENT_NOT_FOUND */
  readonly getEvent: (input: { readonly eventId: string }) => Promise<unknown>;
}

/**
 * The seat maps as they are sent. However many requests ask, each version of a map is serialized once and compressed
 * once per encoding, and only when a request needs that form: an answer of 304 costs neither.
 */
export class SeatMapAnswers {
  readonly #core: MapSource;
  readonly #kept = new LRUCache<string, SeatMapAnswer>({
    maxSize: maxSeatsKept,
    sizeCalculation: ({ map }) => Math.max(1, map.seats.length),
  });

  constructor(core: MapSource) {
    this.#core = core;
  }

  /** @throws EVENT_NOT_FOUND, VALIDATION_FAILED */
  async get(input: { readonly eventId: string }): Promise<SeatMapAnswer> {
    const eventId = input.eventId.toLowerCase();
    const startedAt = performance.now();
    const kept = this.#kept.get(eventId);
    if (kept !== undefined && startedAt < kept.pausesUntil) {
      // The map of a retired event must be gone within two seconds, the pause of a large one is longer.
      if (kept.isOld) await this.#core.getEvent({ eventId });
      return kept;
    }
    const map = await this.#core.getSeatMap({ eventId });
    // Another request may have brought this map during the wait.
    const latest = this.#kept.get(eventId);
    if (latest?.map === map) return latest;
    const answer = new SeatMapAnswer(map, { startedAt, previous: latest?.lastJson });
    this.#kept.set(eventId, answer);
    return answer;
  }
}

/** One version of a map in all of its forms. */
export class SeatMapAnswer {
  readonly map: SeatMap;
  readonly #startedAt: number;
  readonly #forms = new Map<Encoding, Promise<Buffer>>();
  #workMs: number;
  #json: SeatMapJson | undefined;
  #previous: SeatMapJson | undefined;

  /** @param startedAt when reading of the map began, in `performance.now()` terms */
  constructor(map: SeatMap, options: { startedAt: number; previous: SeatMapJson | undefined }) {
    this.map = map;
    this.#startedAt = options.startedAt;
    this.#previous = options.previous;
    this.#workMs = performance.now() - options.startedAt;
  }

  /** Until then the next version is not read, in `performance.now()` terms. */
  get pausesUntil(): number {
    return this.#startedAt + this.#workMs * (1 + pausePerWork);
  }

  /** Read over a second ago: the event may have been retired since. */
  get isOld(): boolean {
    return performance.now() - this.#startedAt > oldAfterMs;
  }

  /** What the next version can copy from. */
  get lastJson(): SeatMapJson | undefined {
    return this.#json ?? this.#previous;
  }

  /** The body of an answer. Every call with the same encoding returns the same bytes. */
  as(encoding: Encoding): Promise<Buffer> {
    let form = this.#forms.get(encoding);
    if (form === undefined) {
      form = encoding === 'identity' ? this.#serialize() : this.#compress(encoding);
      this.#forms.set(encoding, form);
      form.catch(() => this.#forms.delete(encoding));
    }
    return form;
  }

  async #serialize(): Promise<Buffer> {
    this.#json = await this.#measure(() => serializeSeatMap(this.map, this.#previous));
    this.#previous = undefined;
    return this.#json.bytes;
  }

  async #compress(encoding: keyof typeof compressors): Promise<Buffer> {
    const json = await this.as('identity');
    return this.#measure(() => compressors[encoding](json));
  }

  /** All work for a map counts towards the pause before the next one. */
  async #measure<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await work();
    this.#workMs += performance.now() - startedAt;
    return result;
  }
}

/**
 * Fast rather than small, as a map lives for a second; in threads of their own. (Measured on 100,000 seats, 20 MB:
 * gzip 1 0.20 s, 2.1 MB; gzip 6 0.60 s, 2.0 MB; brotli 1 0.23 s, 1.95 MB; brotli 4 1.0 s, 1.86 MB. Most of what is left
 * are random ids.)
 */
const compressors = {
  gzip: async (json: Buffer): Promise<Buffer> => promisify(gzip)(json, { level: 1 }),
  br: async (json: Buffer): Promise<Buffer> =>
    promisify(brotliCompress)(json, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 1,
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_SIZE_HINT]: json.length,
      },
    }),
};
