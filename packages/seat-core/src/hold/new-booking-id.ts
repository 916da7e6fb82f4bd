import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

const bytesPerId = 16;
/** Drawn for many ids at once: a draw costs much the same whether it is of 16 bytes or of thousands. */
const drawn = new Uint8Array(256 * bytesPerId);
let used = drawn.length;

/** A UUID of version 7. Within a millisecond the order of two of them is chance, which nothing asks about. */
export function newBookingId(): string {
  return uuidv7({ rng: nextBytes });
}

function nextBytes(): Uint8Array {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += bytesPerId;
  return drawn.subarray(used - bytesPerId, used);
}
