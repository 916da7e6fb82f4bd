import { ReplyError } from 'ioredis';
import type { Seat } from '../types.ts';
import type { RedisClient } from './keys.ts';

/** The lists of free seats live this long at most, in ms. */
export const listLifetimeMs = 1_000;

const maxSeats = 200;
/** A seat with the longest names that are allowed has 400 characters; JSON may write one as two. */
const maxListLength = maxSeats * 1_000;

export interface CachedList {
  readonly seats: readonly Seat[];
  readonly asOf: Date;
}

/**
 * Every client of Redis can write the key. A list that seat-core could not have written is deleted.
 *
 * @param eventId undefined for the list over all coming events
 * @returns null when there is no list, `broken` when there was none that can be used
 */
export async function readAvailableList(
  { connection, names }: RedisClient,
  eventId: string | undefined,
): Promise<CachedList | 'broken' | null> {
  const key = names.availableSeats(eventId);
  const [json, lifetimeMs] = await Promise.all([
    connection.get(key).catch(ignoreWrongType),
    connection.pttl(key),
  ]);
  // The key does not exist, or ended between the two commands.
  if (json === null || lifetimeMs === -2) return null;
  const seats = json === undefined ? undefined : parseList(json, eventId);
  if (seats === undefined || lifetimeMs < 0 || lifetimeMs > listLifetimeMs) {
    await connection.del(key);
    return 'broken';
  }
  return { seats, asOf: new Date(Date.now() - (listLifetimeMs - lifetimeMs)) };
}

/** The key has no text, but a list, a hash … */
function ignoreWrongType(error: unknown): undefined {
  if (error instanceof ReplyError && (error as Error).message.startsWith('WRONGTYPE')) return undefined;
  throw error;
}

function parseList(json: string, eventId: string | undefined): readonly Seat[] | undefined {
  if (json.length > maxListLength) return undefined;
  try {
    const list: unknown = JSON.parse(json);
    if (!Array.isArray(list) || list.length > maxSeats) return undefined;
    return list.every((item) => isFreeSeat(item, eventId)) ? list : undefined;
  } catch {
    return undefined;
  }
}

const members = ['id', 'eventId', 'section', 'row', 'number', 'price', 'status'];
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function isFreeSeat(value: unknown, eventId: string | undefined): value is Seat {
  if (!hasMembers(value, members)) return false;
  const { id, section, row, number, price, status } = value;
  return (
    isId(id) &&
    isId(value['eventId']) &&
    (eventId === undefined || value['eventId'] === eventId) &&
    typeof section === 'string' &&
    typeof row === 'string' &&
    isWhole(number) &&
    number >= 1 &&
    hasMembers(price, ['amount', 'currency']) &&
    isWhole(price['amount']) &&
    price['amount'] >= 0 &&
    typeof price['currency'] === 'string' &&
    status === 'AVAILABLE'
  );
}

/** Exactly these. */
function hasMembers(value: unknown, names: readonly string[]): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.keys(value).length === names.length && names.every((name) => Object.hasOwn(value, name));
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && uuid.test(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** Makes this caller the loader of the list, for a second at most. @returns false when another caller is */
export async function becomeLoader(
  { connection, names }: RedisClient,
  eventId: string | undefined,
): Promise<boolean> {
  const key = names.availableSeatsLoader(eventId);
  if ((await connection.set(key, '1', 'PX', listLifetimeMs, 'NX')) === 'OK') return true;
  // A key that seat-core did not write may have no end.
  await connection.pexpire(key, listLifetimeMs, 'NX');
  return false;
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
