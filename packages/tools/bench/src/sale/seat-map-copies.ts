import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import type { SaleAnswer, SaleClient } from './sale-client.ts';
import type { SaleLog } from './sale-log.ts';

/** What the map shows to a buyer. */
export interface ShownSeats {
  /** In the order of the map: the first are the most wanted. */
  readonly free: readonly string[];
  readonly isSoldOut: boolean;
}

interface Copy {
  readonly etag: string;
  readonly readAt: number;
  readonly shown: Promise<ShownSeats>;
}

const decompress = promisify(brotliDecompress);
const freshMs = 1_000;

/**
 * The maps of all buyers, one for each process of booking-api, since two processes may be at different versions. Each look
 * is a request, as a browser sends it. Once a second the request of one buyer brings the new map; those of the others say
 * that any version will do (`If-None-Match: *`), so that 30,000 downloads of megabytes do not share two cores with the sale.
 */
export class SeatMapCopies {
  readonly #copies = new Map<string, Copy>();
  /** The processes of which a map is on its way. */
  readonly #reading = new Set<string>();
  readonly #client: SaleClient;
  readonly #log: SaleLog;
  readonly #path: string;

  constructor(client: SaleClient, log: SaleLog, eventId: string) {
    this.#client = client;
    this.#log = log;
    this.#path = `/api/v1/events/${eventId}/seats`;
  }

  /** @returns undefined when neither process had an answer, or one refused; the buyer looks again a moment later */
  async look(urls: readonly string[], buyer: number): Promise<ShownSeats | undefined> {
    for (let attempt = 1; attempt <= urls.length; attempt += 1) {
      const origin = this.#client.nextOf(urls);
      const answer = await this.#request(origin, buyer);
      if (answer !== undefined) return this.#copies.get(origin)?.shown;
    }
    return undefined;
  }

  async #request(origin: string, buyer: number): Promise<SaleAnswer | undefined> {
    const copy = this.#copies.get(origin);
    const isFresh = copy !== undefined && performance.now() - copy.readAt < freshMs;
    if (isFresh || this.#reading.has(origin)) return this.#get(origin, buyer, '*');
    this.#reading.add(origin);
    try {
      const answer = await this.#get(origin, buyer, copy?.etag);
      const readAt = performance.now();
      if (answer?.status === 304 && copy !== undefined) this.#copies.set(origin, { ...copy, readAt });
      if (answer?.status === 200) {
        this.#log.count('mapsRead');
        const { etag, 'content-encoding': encoding } = answer.headers;
        this.#copies.set(origin, { etag: String(etag), readAt, shown: read(answer.body, encoding === 'br') });
      }
      return answer;
    } finally {
      this.#reading.delete(origin);
    }
  }

  async #get(origin: string, buyer: number, etag: string | undefined): Promise<SaleAnswer | undefined> {
    const headers = { 'accept-encoding': 'br', ...(etag !== undefined && { 'if-none-match': etag }) };
    const request = { name: 'map', method: 'GET', path: this.#path, buyer, headers } as const;
    const sentAt = performance.now();
    this.#log.count('looked');
    const answer = await this.#client.send(origin, request).catch(() => undefined);
    this.#log.answered(`map ${answer?.status ?? 'without answer'}`, performance.now() - sentAt);
    return answer;
  }
}

async function read(body: Buffer, isCompressed: boolean): Promise<ShownSeats> {
  const json = isCompressed ? await decompress(body) : body;
  const { seats } = JSON.parse(json.toString()) as {
    readonly seats: readonly { readonly id: string; readonly status: string }[];
  };
  return {
    free: seats.filter(({ status }) => status === 'AVAILABLE').map(({ id }) => id),
    isSoldOut: seats.every(({ status }) => status === 'SOLD'),
  };
}
