import type { Random } from '../random.ts';
import type { Profile } from './profile.ts';

/** The seats of a run, and which of them are worth fighting for: those that nobody is known to have bought. */
export interface Hall {
  readonly eventId: string;
  readonly seatIds: readonly string[];
  readonly choose: (random: Random, profile: Profile) => string[];
  readonly chooseMany: (random: Random, count: number) => string[];
  readonly noteSold: (seatIds: readonly string[]) => void;
}

/** Makes the event of a run through the API, and waits until that is there to do it. */
export async function openHall(apiUrl: string, seats: number): Promise<Hall> {
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
      sections: [{ name: 'Tribun', price: { amount: 150_000, currency: 'IDR' }, rows }],
    }),
  });
  if (response.status !== 201)
    throw new Error(`The event was not made: ${response.status} ${await response.text()}`);
  const { id: eventId } = (await response.json()) as { id: string };
  const map = await fetch(`${apiUrl}/api/v1/events/${eventId}/seats`);
  const { seats: all } = (await map.json()) as { seats: { id: string }[] };
  const unsold = all.map(({ id }) => id);
  const takeSome = (random: Random, pool: readonly string[], count: number): string[] => {
    const chosen = new Set<string>();
    while (chosen.size < Math.min(count, pool.length)) chosen.add(random.pick(pool));
    return [...chosen].toSorted();
  };
  return {
    eventId,
    seatIds: [...unsold],
    choose: (random, { hotSeats, hotShare, seatsPerHold }) => {
      const pool = random.chance(hotShare) ? unsold.slice(0, hotSeats) : unsold;
      return takeSome(random, pool, random.between(1, seatsPerHold));
    },
    chooseMany: (random, count) => takeSome(random, unsold, count),
    noteSold: (seatIds) => {
      for (const seatId of seatIds) {
        const index = unsold.indexOf(seatId);
        // A few stay: what is sold must be refused, too.
        if (index >= 0 && unsold.length > 4) unsold.splice(index, 1);
      }
    },
  };
}
