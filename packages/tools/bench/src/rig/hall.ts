import { waitFor } from '@ticketing/testkit';
import { withDatabase } from './stores.ts';

export interface Hall {
  readonly eventId: string;
  /** In the order of the hall. */
  readonly seatIds: readonly string[];
}

const seatsPerRow = 50;

/** An event with so many seats, made by the service itself. */
export async function openHall(bookingApiUrl: string, databaseUrl: string, seats: number): Promise<Hall> {
  const rows = Array.from({ length: Math.ceil(seats / seatsPerRow) }, (_, index) => ({
    name: String(index + 1),
    seats: Math.min(seatsPerRow, seats - index * seatsPerRow),
  }));
  const body = JSON.stringify({
    name: 'On sale',
    venue: 'Bench',
    startsAt: '2040-01-01T20:00:00Z',
    sections: [{ name: 'Stalls', price: { amount: 150_000, currency: 'IDR' }, rows }],
  });
  // The load before this one may have left the service so busy that it refuses.
  const eventId = await waitFor(() => createEvent(bookingApiUrl, body), {
    description: 'an event to be made',
    timeoutMs: 10_000,
    intervalMs: 500,
  });
  return withDatabase(databaseUrl, async (client) => {
    const { rows: found } = await client.query<{ id: string }>(
      'select id from seats where event_id = $1 order by id',
      [eventId],
    );
    return { eventId, seatIds: found.map(({ id }) => id) };
  });
}

/** @returns its id */
async function createEvent(bookingApiUrl: string, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${bookingApiUrl}/api/v1/events`, { method: 'POST', headers, body });
  const answer: unknown = await response.json();
  if (response.status !== 201) throw new Error(JSON.stringify(answer));
  return (answer as { readonly id: string }).id;
}
