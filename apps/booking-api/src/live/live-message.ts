import type { SeatsUpdate } from '@ticketing/seat-core';

/**
 * One update for many connections. Their texts differ only by how many messages each had before, `seq`, so each message
 * is sent as two frames: a short one with its number, and the rest, whose memory all connections share.
 */
export class LiveMessage {
  readonly seats: number;
  readonly #type: string;
  readonly #rest: Buffer;

  constructor({ type, ...rest }: SeatsUpdate) {
    this.seats = rest.seats.length;
    this.#type = type;
    this.#rest = Buffer.from(JSON.stringify(rest).slice(1));
  }

  get bytes(): number {
    return this.#rest.length;
  }

  framesAs(seq: number): readonly [first: string, last: Buffer] {
    return [`{"type":"${this.#type}","seq":${seq},`, this.#rest];
  }
}
