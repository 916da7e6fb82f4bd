import type { CreateEventInput } from '@ticketing/seat-core';

interface Block {
  readonly name: string;
  readonly rupiah: number;
  readonly rows: number;
  /** Seats of the first row. */
  readonly seats: number;
  /** How many more each row has than the one in front of it: the rows are arcs around the stage. */
  readonly growth: number;
}

/** A horseshoe theatre of about 1,500 seats, from the stage to the last row of the balcony. */
const blocks: readonly Block[] = [
  { name: 'Platinum', rupiah: 2_500_000, rows: 6, seats: 24, growth: 2 },
  { name: 'Orchestra Left', rupiah: 1_500_000, rows: 10, seats: 12, growth: 1 },
  { name: 'Orchestra Centre', rupiah: 1_750_000, rows: 10, seats: 26, growth: 2 },
  { name: 'Orchestra Right', rupiah: 1_500_000, rows: 10, seats: 12, growth: 1 },
  { name: 'Mezzanine', rupiah: 950_000, rows: 8, seats: 34, growth: 2 },
  { name: 'Balcony', rupiah: 450_000, rows: 8, seats: 32, growth: 2 },
];

const daysAhead = 45;

/** What an empty database is filled with, so that there is something to sell at once. */
export function demoEvent(now: Date): CreateEventInput {
  const startsAt = new Date(now);
  startsAt.setUTCDate(startsAt.getUTCDate() + daysAhead);
  // Half past seven in the evening in Jakarta.
  startsAt.setUTCHours(12, 30, 0, 0);
  return {
    name: 'Malam Gamelan & Orkestra',
    venue: 'Gedung Kesenian Nusantara, Jakarta',
    startsAt,
    sections: blocks.map(({ name, rupiah, rows, seats, growth }) => ({
      name,
      price: { amount: rupiah, currency: 'IDR' },
      rows: Array.from({ length: rows }, (_, index) => ({
        name: rowName(index),
        seats: seats + index * growth,
      })),
    })),
  };
}

/** A, B, C …; theatres leave out I and O, which are read as 1 and 0. */
function rowName(index: number): string {
  return 'ABCDEFGHJKLMNPQRSTUVWXYZ'.charAt(index);
}
