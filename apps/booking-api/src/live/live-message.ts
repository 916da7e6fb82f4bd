import type { SeatMessage } from '@ticketing/seat-core';

/** Up to here copying a message for a client is cheaper than writing it in two buffers. */
const copiedBytes = 16 * 1024;
/** How much of a large message is sent at a time. */
const pieceBytes = 256 * 1024;

/** Buffers to write one after the other. */
export type Frame = readonly [Buffer] | readonly [Buffer, Buffer];

/** The names of the messages on the wire. */
const wireTypes = { snapshot: 'snapshot', delta: 'changes' } as const;

/**
 * One message for many clients. Their texts differ only in `seq`, the number of the message on the connection, which
 * comes first. The rest is the same memory for all clients, or copied while it is small, once for neighbours with the
 * same number.
 */
export class LiveMessage {
  readonly #type: string;
  readonly #rest: Buffer;
  #copied: { readonly seq: number; readonly frame: readonly [Buffer] } | undefined;

  constructor({ type, ...rest }: SeatMessage) {
    this.#type = wireTypes[type];
    this.#rest = Buffer.from(JSON.stringify(rest).slice(1));
  }

  get bytes(): number {
    return this.#rest.length;
  }

  /** Whether all clients are sent the same memory. */
  get isShared(): boolean {
    return this.bytes > copiedBytes;
  }

  /** The whole message in one frame. */
  frameAs(seq: number): Frame {
    if (this.#copied?.seq === seq) return this.#copied.frame;
    const beginning = this.#beginning(seq);
    const header = frameHeader({
      length: beginning.length + this.bytes,
      isFirst: true,
      isLast: true,
    });
    if (this.isShared) return [Buffer.concat([header, beginning]), this.#rest];
    const frame = [Buffer.concat([header, beginning, this.#rest])] as const;
    this.#copied = { seq, frame };
    return frame;
  }

  /** The same message in several frames: other clients get their turn between them. */
  *piecesAs(seq: number): Generator<Frame> {
    if (!this.isShared) {
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

const textOpcode = 0x1;
const continuationOpcode = 0x0;
const finalBit = 0x80;
/** From here on the length has a field of its own, of two bytes or of eight. */
const shortLengths = 126;
const mediumLengths = 65_536;

interface FrameOptions {
  /** Bytes of payload that follow. */
  readonly length: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/**
 * The header of a frame of a text message, as a server sends it: not masked. Written here because ws makes a header
 * for each connection, and most of them are equal.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-5.2
 */
function frameHeader({ length, isFirst, isLast }: FrameOptions): Buffer {
  const first = (isFirst ? textOpcode : continuationOpcode) | (isLast ? finalBit : 0);
  if (length < shortLengths) return Buffer.from([first, length]);
  if (length < mediumLengths) {
    const header = Buffer.alloc(4);
    header[0] = first;
    header[1] = 126;
    header.writeUInt16BE(length, 2);
    return header;
  }
  const header = Buffer.alloc(10);
  header[0] = first;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}
