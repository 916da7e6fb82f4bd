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
  readonly shown: Promise<ShownSeats>;
}

const decompress = promisify(brotliDecompress);

/**
 * The maps of all buyers. Each look is a request with If-None-Match, as a browser sends it; only the parsed map is shared,
 * one for each process of booking-api, since two processes may be at different versions.
 */
export class SeatMapCopies {
  readonly #copies = new Map<string, Copy>();
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
      if (answer !== undefined) return this.#shownBy(origin, answer);
    }
    return undefined;
  }

  async #request(origin: string, buyer: number): Promise<SaleAnswer | undefined> {
    const known = this.#copies.get(origin);
    const headers = { 'accept-encoding': 'br', ...(known && { 'if-none-match': known.etag }) };
    const request = { name: 'map', method: 'GET', path: this.#path, buyer, headers } as const;
    const sentAt = performance.now();
    this.#log.count('looked');
    const answer = await this.#client.send(origin, request).catch(() => undefined);
    this.#log.answered(`map ${answer?.status ?? 'without answer'}`, performance.now() - sentAt);
    return answer;
  }

  async #shownBy(origin: string, { status, headers, body }: SaleAnswer): Promise<ShownSeats | undefined> {
    const present = this.#copies.get(origin);
    if (status === 304) return present?.shown;
    if (status !== 200) return undefined;
    const etag = String(headers['etag']);
    // Several buyers asked before the first of them got the new map.
    if (present?.etag === etag) return present.shown;
    this.#log.count('mapsRead');
    const shown = read(body, headers['content-encoding'] === 'br');
    this.#copies.set(origin, { etag, shown });
    return shown;
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
