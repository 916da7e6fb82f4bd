import { hash } from 'node:crypto';
import { waitFor } from '@ticketing/testkit';
import { withDatabase } from './stores.ts';

export interface BenchEvent {
  readonly eventId: string;
  /** In the order of the map. */
  readonly seatIds: readonly string[];
}

const seatsPerRow = 50;

/** What to create an event with this number of seats from. */
export function eventWith(seats: number) {
  const rows = Array.from({ length: Math.ceil(seats / seatsPerRow) }, (_, index) => ({
    name: String(index + 1),
    seats: Math.min(seatsPerRow, seats - index * seatsPerRow),
  }));
  return {
    name: 'On sale',
    venue: 'Bench',
    startsAt: '2040-01-01T20:00:00Z',
    sections: [{ name: 'Stalls', price: { amount: 15_000_000, currency: 'IDR' }, rows }],
  };
}

/** Creates an event with this number of seats through the service. */
export async function createEvent(
  bookingApiUrl: string,
  databaseUrl: string,
  seats: number,
): Promise<BenchEvent> {
  const body = JSON.stringify(eventWith(seats));
  const post = async (): Promise<string> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${bookingApiUrl}/api/v1/events`, { method: 'POST', headers, body });
    const answer = (await response.json()) as { readonly id: string };
    if (response.status !== 201) throw new Error(JSON.stringify(answer));
    return answer.id;
  };
  // The load before this one may have left the service so busy that it refuses.
  const eventId = await waitFor(post, { description: 'a new event', timeoutMs: 10_000, intervalMs: 500 });
  return { eventId, seatIds: await readSeatIds(databaseUrl, eventId) };
}

/** In the order of the map. */
export async function readSeatIds(databaseUrl: string, eventId: string): Promise<string[]> {
  return withDatabase(databaseUrl, async (client) => {
    const text = 'select id from seats where event_id = $1 order by id';
    const { rows } = await client.query<{ id: string }>(text, [eventId]);
    return rows.map(({ id }) => id);
  });
}

/** In an order that looks random and is the same in every run. */
export function shuffle<T>(items: readonly T[]): T[] {
  const keyed = items.map((item, index) => ({ item, key: hash('md5', String(index)) }));
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(({ item }) => item);
}
