import type { CreateEventInput } from '@ticketing/seat-core';

/** Section, price in rupiah, rows, seats of the first row, and seats added per row: the rows are arcs around the stage. */
const blocks: readonly (readonly [string, number, number, number, number])[] = [
  ['Platinum', 2_500_000, 6, 24, 2],
  ['Orchestra Left', 1_500_000, 10, 12, 1],
  ['Orchestra Centre', 1_750_000, 10, 26, 2],
  ['Orchestra Right', 1_500_000, 10, 12, 1],
  ['Mezzanine', 950_000, 8, 34, 2],
  ['Balcony', 450_000, 8, 32, 2],
];

/** Theatres leave out I and O, which are read as 1 and 0. */
const rowNames = 'ABCDEFGHJKLMNPQRSTUVWXYZ';

/** A horseshoe theatre of about 1,500 seats, to fill an empty database with; in 45 days, at half past seven in Jakarta. */
export function demoEvent(): CreateEventInput {
  const startsAt = new Date(Date.now() + 45 * 86_400_000);
  startsAt.setUTCHours(12, 30, 0, 0);
  return {
    name: 'Malam Gamelan & Orkestra',
    venue: 'Gedung Kesenian Nusantara, Jakarta',
    startsAt,
    sections: blocks.map(([name, rupiah, rows, seats, growth]) => ({
      name,
      // Minor units: IDR has two digits.
      price: { amount: rupiah * 100, currency: 'IDR' },
      rows: Array.from({ length: rows }, (_, index) => ({
        name: rowNames.charAt(index),
        seats: seats + index * growth,
      })),
    })),
  };
}
