import type { SeatsUpdate } from '@ticketing/seat-core';
import { frameHeader } from './frame-header.ts';

/** Up to here it is cheaper to copy a message for a connection than to write it in two parts. */
const copiedBytes = 16 * 1024;
/** What of a large message is sent at a time. */
const pieceBytes = 256 * 1024;

/** What is to be written, one after the other. */
export type Frame = readonly [Buffer] | readonly [Buffer, Buffer];

/**
 * One update for many connections. Their texts differ only by how many messages each had before, `seq`, which comes first;
 * the memory of the rest is shared, or copied when it is little, once for all neighbours with the same number.
 */
export class LiveMessage {
  readonly #type: string;
  readonly #rest: Buffer;
  #copied: { readonly seq: number; readonly frame: readonly [Buffer] } | undefined;

  constructor({ type, ...rest }: SeatsUpdate) {
    this.#type = type;
    this.#rest = Buffer.from(JSON.stringify(rest).slice(1));
  }

  get bytes(): number {
    return this.#rest.length;
  }

  /** The whole of it in one frame. */
  frameAs(seq: number): Frame {
    if (this.#copied?.seq === seq) return this.#copied.frame;
    const beginning = this.#beginning(seq);
    const header = frameHeader({
      length: beginning.length + this.bytes,
      isFirst: true,
      isLast: true,
    });
    if (this.bytes > copiedBytes) return [Buffer.concat([header, beginning]), this.#rest];
    const frame = [Buffer.concat([header, beginning, this.#rest])] as const;
    this.#copied = { seq, frame };
    return frame;
  }

  /** The same in frames of some size, between which there is time for others. */
  *piecesAs(seq: number): Generator<Frame> {
    if (this.bytes <= copiedBytes) {
      yield this.frameAs(seq);
      return;
    }
    let beginning = this.#beginning(seq);
    for (let from = 0; from < this.bytes; from += pieceBytes) {
      const piece = this.#rest.subarray(from, from + pieceBytes);
      const header = frameHeader({
        length: beginning.length + piece.length,
        isFirst: from === 0,
        isLast: from + pieceBytes >= this.bytes,
      });
      yield [Buffer.concat([header, beginning]), piece];
      beginning = Buffer.alloc(0);
    }
  }

  #beginning(seq: number): Buffer {
    return Buffer.from(`{"type":"${this.#type}","seq":${seq},`);
  }
}
