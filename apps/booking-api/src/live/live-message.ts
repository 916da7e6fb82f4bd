import type { SeatsUpdate } from '@ticketing/seat-core';

/** One update for many connections. Their texts differ only by how many messages each had before: `seq`. */
export class LiveMessage {
  readonly #type: string;
  readonly #rest: string;
  readonly #bytes = new Map<number, Buffer>();

  constructor({ type, ...rest }: SeatsUpdate) {
    this.#type = type;
    this.#rest = JSON.stringify(rest).slice(1);
  }

  /** Written once for all connections for which it is the same message: they share its memory. */
  bytesAs(seq: number): Buffer {
    let bytes = this.#bytes.get(seq);
    if (bytes === undefined) {
      bytes = Buffer.from(`{"type":"${this.#type}","seq":${seq},${this.#rest}`);
      this.#bytes.set(seq, bytes);
    }
    return bytes;
  }
}
