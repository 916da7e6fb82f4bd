const textOpcode = 0x1;
const continuationOpcode = 0x0;
const finalBit = 0x80;
/** From here on the length has a field of its own, of two bytes or of eight. */
const shortLengths = 126;
const mediumLengths = 65_536;

export interface FrameOptions {
  /** Bytes of payload that follow. */
  readonly length: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/**
 * The bytes in front of a frame of a text message, as a server sends it: not masked (RFC 6455, section 5.2).
 * Written here because ws makes a header for each connection, and most of them are the same.
 */
export function frameHeader({ length, isFirst, isLast }: FrameOptions): Buffer {
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
