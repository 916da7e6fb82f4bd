import type { Seat } from '../types.ts';
import type { RedisClient } from './keys.ts';

/** The lists of free seats live this long at most, in ms. */
export const listLifetimeMs = 1_000;

const maxSeats = 200;
/** A seat with the longest names that are allowed has 900 bytes. */
const maxListBytes = maxSeats * 1_000;

export interface CachedList {
  readonly seats: readonly Seat[];
  readonly asOf: Date;
}

/**
 * Text and remaining lifetime of a list. A key of another type, a text that is too long to be sent, and a lifetime that
 * no list has, are deleted.
 */
const readOrDelete = `
local text = redis.pcall('get', KEYS[1])
local lifetime = redis.call('pttl', KEYS[1])
if text == false then return false end
if type(text) == 'table' and string.sub(text.err, 1, 9) ~= 'WRONGTYPE' then return text end
if type(text) == 'table' or #text > tonumber(ARGV[1]) or lifetime < 0 or lifetime > tonumber(ARGV[2]) then
  redis.call('del', KEYS[1])
  return {}
end
return {text, lifetime}`;

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
  const reply = (await connection.eval(readOrDelete, 1, key, maxListBytes, listLifetimeMs)) as
    readonly [json: string, lifetimeMs: number] | readonly [] | null;
  if (reply === null) return null;
  if (reply.length === 0) return 'broken';
  const [json, lifetimeMs] = reply;
  const seats = parseList(json, eventId);
  if (seats === undefined) {
    await connection.del(key);
    return 'broken';
  }
  return { seats, asOf: new Date(Date.now() - (listLifetimeMs - lifetimeMs)) };
}

function parseList(json: string, eventId: string | undefined): readonly Seat[] | undefined {
  try {
    const list: unknown = JSON.parse(json);
    if (!Array.isArray(list) || list.length > maxSeats) return undefined;
    if (!list.every((item) => isFreeSeat(item, eventId))) return undefined;
    return new Set(list.map(({ id }) => id)).size === list.length ? list : undefined;
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
