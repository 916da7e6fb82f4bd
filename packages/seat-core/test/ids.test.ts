import { createHash } from 'node:crypto';
import { validate, version } from 'uuid';
import { expect, it } from 'vitest';
import {
  bucketOf,
  bucketOfHash,
  eventIdOf,
  newBookingId,
  newEventId,
  seatIdOf,
  seatIndexOf,
} from '../src/ids.ts';

it('ids of events, seats and bookings are UUIDs of version 7 with the moment of their making', () => {
  const startedAt = Date.now();
  const eventId = newEventId();
  for (const id of [eventId, newBookingId(eventId), seatIdOf(eventId, 100_000)]) {
    expect(validate(id) && version(id)).toBe(7);
    const madeAt = parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
    expect(madeAt).toBeGreaterThanOrEqual(startedAt);
    expect(madeAt).toBeLessThanOrEqual(Date.now());
  }
});

it('a seat id tells its event and its place in the layout', () => {
  const eventId = newEventId();
  expect(eventId.slice(-8)).toBe('00000000');
  for (const index of [1, 9, 255, 100_000]) {
    const seatId = seatIdOf(eventId, index);
    expect(eventIdOf(seatId)).toBe(eventId);
    expect(seatIndexOf(seatId)).toBe(index);
  }
  const inOrder = Array.from({ length: 300 }, (_, index) => seatIdOf(eventId, index + 1));
  expect(inOrder.toSorted()).toEqual(inOrder);
});

it('a booking has the bucket of its event, and an event made under a key always the same', () => {
  for (const bucket of [0, 1, 0xabc, 4_095]) {
    const eventId = newEventId(bucket);
    expect(bucketOf(eventId)).toBe(bucket);
    expect(bucketOf(newBookingId(eventId))).toBe(bucket);
    expect(bucketOf(seatIdOf(eventId, 7))).toBe(bucket);
  }
  const hash = createHash('sha256').update('key').digest();
  expect(bucketOfHash(hash)).toBe(bucketOfHash(Buffer.from(hash)));
  expect(bucketOfHash(hash)).toBeLessThan(4_096);
});

it('events without a key are spread over the buckets, and their ids differ within a millisecond', () => {
  const ids = Array.from({ length: 4_000 }, () => newEventId());
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(ids.map(bucketOf)).size).toBeGreaterThan(2_000);
});
