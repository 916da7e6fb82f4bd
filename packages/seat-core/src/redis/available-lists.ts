import type { Seat } from '../types.ts';
import type { RedisClient } from './keys.ts';

/** The lists of free seats live this long at most, in ms. */
export const listLifetimeMs = 1_000;

export interface CachedList {
  readonly seats: readonly Seat[];
  readonly asOf: Date;
}

/** @param eventId undefined for the list over all coming events. @returns null when there is no list */
export async function readAvailableList(
  { connection, names }: RedisClient,
  eventId: string | undefined,
): Promise<CachedList | null> {
  const key = names.availableSeats(eventId);
  const [json, remainingMs] = await Promise.all([connection.get(key), connection.pttl(key)]);
  if (json === null) return null;
  const asOf = new Date(Date.now() - (listLifetimeMs - Math.max(0, remainingMs)));
  return { seats: JSON.parse(json) as Seat[], asOf };
}

/** Makes this caller the loader of the list, for a second at most. @returns false when another caller is */
export async function becomeLoader(
  { connection, names }: RedisClient,
  eventId: string | undefined,
): Promise<boolean> {
  const key = names.availableSeatsLoader(eventId);
  return (await connection.set(key, '1', 'PX', listLifetimeMs, 'NX')) === 'OK';
}

/**
 * Writes a list that took `tookMs` to load. No other caller loads it again before `restMs` are over, also when the
 * list is deleted meanwhile.
 */
export async function writeAvailableList(
  { connection, names }: RedisClient,
  eventId: string | undefined,
  list: { readonly seats: readonly Seat[]; readonly tookMs: number; readonly restMs: number },
): Promise<void> {
  const remainingMs = Math.max(1, listLifetimeMs - list.tookMs);
  const restMs = Math.min(listLifetimeMs, Math.max(1, list.restMs));
  await Promise.all([
    connection.set(names.availableSeats(eventId), JSON.stringify(list.seats), 'PX', remainingMs),
    connection.pexpire(names.availableSeatsLoader(eventId), restMs),
  ]);
}

/** Lets the next caller load the list at once. */
export async function resignAsLoader({ connection, names }: RedisClient, eventId: string): Promise<void> {
  await connection.del(names.availableSeatsLoader(eventId));
}

/** Deletes the lists that may show seats of this event. */
export async function dropAvailableLists({ connection, names }: RedisClient, eventId: string): Promise<void> {
  await Promise.all([undefined, eventId].map((id) => connection.del(names.availableSeats(id))));
}
