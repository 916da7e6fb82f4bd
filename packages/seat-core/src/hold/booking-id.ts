import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

const bytesPerId = 16;
/** Random bytes for many ids: one call of the generator costs about the same for 16 bytes as for thousands. */
const drawn = new Uint8Array(256 * bytesPerId);
let used = drawn.length;

/** A UUID of version 7. Two ids of one millisecond are in random order, which nothing depends on. */
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
