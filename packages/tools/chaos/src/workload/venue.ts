import type { Random } from '../random.ts';
import type { Profile } from './profile.ts';

/** The seats of a run, and which of them the clients still want: those that no confirmation has sold. */
export interface Venue {
  readonly seatIds: readonly string[];
  readonly choose: (random: Random, profile: Profile) => string[];
  readonly chooseMany: (random: Random, count: number) => string[];
  readonly noteSold: (seatIds: readonly string[]) => void;
}

/** Makes the event of a run through the API. */
export async function openVenue(apiUrl: string, seats: number): Promise<Venue> {
  const rowLength = 50;
  const rows = Array.from({ length: Math.ceil(seats / rowLength) }, (_, index) => ({
    name: `R${index}`,
    seats: Math.min(rowLength, seats - index * rowLength),
  }));
  const response = await fetch(`${apiUrl}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'Konser',
      venue: 'Istora',
      startsAt: new Date(Date.now() + 86_400_000).toISOString(),
      sections: [{ name: 'Tribun', price: { amount: 15_000_000, currency: 'IDR' }, rows }],
    }),
  });
  if (response.status !== 201) {
    throw new Error(`The event was not made: ${response.status} ${await response.text()}`);
  }
  const { id } = (await response.json()) as { id: string };
  const map = await fetch(`${apiUrl}/api/v1/events/${id}/seats`);
  const seatIds = ((await map.json()) as { seats: { id: string }[] }).seats.map((seat) => seat.id);
  const unsold = [...seatIds];
  const takeSome = (random: Random, pool: readonly string[], count: number): string[] => {
    const chosen = new Set<string>();
    while (chosen.size < Math.min(count, pool.length)) chosen.add(random.pick(pool));
    return [...chosen].toSorted();
  };
  return {
    seatIds,
    choose: (random, { hotSeats, hotShare, seatsPerHold }) => {
      const pool = random.chance(hotShare) ? unsold.slice(0, hotSeats) : unsold;
      return takeSome(random, pool, random.between(1, seatsPerHold));
    },
    chooseMany: (random, count) => takeSome(random, unsold, count),
    noteSold: (sold) => {
      for (const seatId of sold) {
        const index = unsold.indexOf(seatId);
        // A few stay: the engine must refuse sold seats, too.
        if (index >= 0 && unsold.length > 4) unsold.splice(index, 1);
      }
    },
  };
}
