import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

/*
 * Ids are UUIDs of version 7. The 12 bits behind the version of an event's id are its bucket, and its low 32 bits are
 * zero. A seat's id is its event's with the seat's index there, from 1 in the order of the layout. A booking's id has the
 * bucket of its event. So every program knows the event of a seat, and the bucket of each id, without asking.
 */

/** Letters of an id in front of the index. */
const stemLength = 28;
const indexLength = 8;

const buckets = 4_096;

/** @param bucket 0 to 4,095; at random by default */
export function newEventId(bucket?: number): string {
  return `${newId(bucket).slice(0, stemLength)}${'0'.repeat(indexLength)}`;
}

/** Two ids of one millisecond are in random order, which nothing depends on. */
export function newBookingId(eventId: string): string {
  return newId(bucketOf(eventId));
}

/** The bucket of an event that is made under a key: the same for every try. */
export function bucketOfHash(hash: Buffer): number {
  return hash.readUInt16BE(0) % buckets;
}

export function bucketOf(id: string): number {
  return parseInt(id.slice(15, 18), 16);
}

/** @param index from 1 */
export function seatIdOf(eventId: string, index: number): string {
  return eventId.slice(0, stemLength) + index.toString(16).padStart(indexLength, '0');
}

/** The event of a seat. An id that is no seat's belongs to no event. */
export function eventIdOf(seatId: string): string {
  return `${seatId.slice(0, stemLength)}${'0'.repeat(indexLength)}`;
}

/** The place of a seat in the order of the layout, from 1. */
export function seatIndexOf(seatId: string): number {
  return parseInt(seatId.slice(stemLength), 16);
}

const bytesPerId = 16;
/** Random bytes for many ids: one call of the generator costs about the same for 16 bytes as for thousands. */
const drawn = new Uint8Array(256 * bytesPerId);
let used = drawn.length;

function newId(bucket: number | undefined): string {
  const random = nextBytes();
  // Of the 32 bits that the library takes for a sequence, the first 12 become those behind the version.
  const sequence = new DataView(random.buffer, random.byteOffset).getUint32(0);
  const seq = bucket === undefined ? sequence : ((bucket << 20) | (sequence & 0xf_ff_ff)) >>> 0;
  return uuidv7({ random, seq });
}

function nextBytes(): Uint8Array {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += bytesPerId;
  return drawn.subarray(used - bytesPerId, used);
}
