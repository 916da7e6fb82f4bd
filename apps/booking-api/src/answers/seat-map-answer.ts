import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { SeatCore, SeatMap } from '@ticketing/seat-core';
import type { Encoding } from './preferred-encoding.ts';
import { serializeSeatMap, type SeatMapJson } from './seat-map-json.ts';

/** What an answer costs before it has been rendered. */
const bytesPerAnswer = 1_024;
/** What is expected of a seat in JSON, and of JSON that is compressed, until it is there. */
const bytesPerSeat = 220;
const compression = 8;

type MapSource = Pick<SeatCore, 'getSeatMap' | 'bulk'>;

/**
 * The seat maps as they are sent. However many requests ask, each version of a map is serialized once and compressed
 * once per encoding, and only when a request needs that form: an answer of 304 costs neither. This takes turns with the
 * reading of maps, and its bytes are of the same budget.
 */
export class SeatMapAnswers {
  readonly #core: MapSource;
  readonly #kept = new Map<string, SeatMapAnswer>();

  constructor(core: MapSource) {
    this.#core = core;
  }

  /** @throws EVENT_NOT_FOUND, OVERLOADED, VALIDATION_FAILED */
  async get(input: { readonly eventId: string }): Promise<SeatMapAnswer> {
    const eventId = input.eventId.toLowerCase();
    const map = await this.#core.getSeatMap({ eventId });
    const { memory } = this.#core.bulk;
    const kept = this.#kept.get(eventId);
    if (kept?.map === map) {
      memory.touch(kept);
      return kept;
    }
    kept?.drop();
    const answer = new SeatMapAnswer(map, this.#core.bulk, {
      previous: kept?.lastJson,
      onEvict: () => this.#kept.delete(eventId),
    });
    this.#kept.set(eventId, answer);
    return answer;
  }
}

/** One version of a map in all of its forms. */
export class SeatMapAnswer {
  readonly map: SeatMap;
  readonly #bulk: SeatCore['bulk'];
  readonly #onEvict: () => void;
  readonly #forms = new Map<Encoding, Promise<Buffer>>();
  #bytes = 0;
  #compressedBytes = 0;
  #isDropped = false;
  #json: SeatMapJson | undefined;
  #previous: SeatMapJson | undefined;

  /** @throws OVERLOADED when there is no memory for another answer */
  constructor(
    map: SeatMap,
    bulk: SeatCore['bulk'],
    options: { readonly previous: SeatMapJson | undefined; readonly onEvict: () => void },
  ) {
    this.map = map;
    this.#bulk = bulk;
    this.#previous = options.previous;
    this.#onEvict = options.onEvict;
    this.#keep(bytesPerAnswer + bytesOf(this.#previous));
  }

  /** What the next version can copy from. */
  get lastJson(): SeatMapJson | undefined {
    return this.#json ?? this.#previous;
  }

  /**
   * The body of an answer. Every call with the same encoding returns the same bytes.
   *
   * @throws OVERLOADED when there is no memory for them
   */
  as(encoding: Encoding): Promise<Buffer> {
    let form = this.#forms.get(encoding);
    if (form === undefined) {
      form = encoding === 'identity' ? this.#serialize() : this.#compress(encoding);
      this.#forms.set(encoding, form);
      form.catch(() => this.#forms.delete(encoding));
    }
    return form;
  }

  /** It is no longer kept. Requests that it answers go on. */
  drop(): void {
    this.#isDropped = true;
    this.#bulk.memory.free(this);
  }

  async #serialize(): Promise<Buffer> {
    const expected = this.#previous?.bytes.length ?? this.map.seats.length * bytesPerSeat;
    return this.#render(expected, async () => {
      const json = await serializeSeatMap(this.map, this.#previous);
      this.#json = json;
      this.#previous = undefined;
      return json.bytes;
    });
  }

  async #compress(encoding: keyof typeof compressors): Promise<Buffer> {
    const json = await this.as('identity');
    return this.#render(json.length / compression, () => compressors[encoding](json));
  }

  /** @param expected bytes of the result, refused before there is work in them */
  async #render(expected: number, work: () => Promise<Buffer>): Promise<Buffer> {
    return this.#bulk.turns.run('rendering', async () => {
      const before = this.#bytes;
      this.#keep(before + expected);
      try {
        const body = await work();
        this.#compressedBytes += body === this.#json?.bytes ? 0 : body.length;
        return body;
      } finally {
        this.#keep(bytesPerAnswer + bytesOf(this.lastJson) + this.#compressedBytes);
      }
    });
  }

  #keep(bytes: number): void {
    if (this.#isDropped) return;
    this.#bytes = bytes;
    const evict = () => {
      this.#isDropped = true;
      this.#onEvict();
    };
    this.#bulk.memory.keep(this, { bytes, evict });
  }
}

function bytesOf(json: SeatMapJson | undefined): number {
  return json === undefined ? 0 : json.bytes.length + json.starts.byteLength;
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
