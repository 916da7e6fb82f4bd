/*
 * Every name that seat-core uses in Redis stands here, and nowhere else. Neighbouring teams may read these keys;
 * the queue's own keys are BullMQ's, below `bull:ticket-cleanup`.
 */

/** `RESERVED` or `SOLD`; absent means: ask PostgreSQL. */
export const statusKey = (seatId: string): string => `status:seat:${seatId}`;

/** `<userId>:<token>` of the request that is booking the seat this moment. */
export const seatLockKey = (seatId: string): string => `lock:seat:${seatId}`;

/** JSON list of free seats of an event, or of all coming events. */
export const availableSeatsKey = (eventId: string | undefined): string =>
  eventId === undefined ? 'seats:available' : `seats:available:${eventId}`;

/** Held by the one process that loads that list. */
export const availableSeatsLoaderKey = (eventId: string | undefined): string =>
  `lock:${availableSeatsKey(eventId)}`;

/** Channel on which every commit publishes the seats that it changed. */
export const seatChangesChannel = (eventId: string): string => `seats:changes:${eventId}`;

/** Set with XX, so it never exists; a full Redis and a replica refuse the command all the same. */
export const probeKey = 'seat-core:probe';

export const expiryQueueName = 'ticket-cleanup';
