import { expect, it } from 'vitest';
import { checkSale, type SaleEvidence } from '../src/sale/check-sale.ts';

const ani = { bookingId: 'b1', seatId: 's1', userId: 'ani' };
const budi = { bookingId: 'b2', seatId: 's2', userId: 'budi' };
/** Budi lets s1 go, then Ani pays for it. */
const budiBefore = { bookingId: 'b3', seatId: 's1', userId: 'budi' };

const evidence: SaleEvidence = {
  seats: [
    { id: 's1', status: 'SOLD' },
    { id: 's2', status: 'SOLD' },
  ],
  bookings: [
    { id: 'b1', userId: 'ani', status: 'CONFIRMED', seatIds: ['s1'] },
    { id: 'b2', userId: 'budi', status: 'CONFIRMED', seatIds: ['s2'] },
    { id: 'b3', userId: 'budi', status: 'CANCELLED', seatIds: ['s1'] },
  ],
  holds: [budiBefore, ani, budi],
  confirmations: [ani, budi],
  releases: [budiBefore],
  unresolvedUsers: new Set(),
};

const withBooking = (id: string, change: object): SaleEvidence => ({
  ...evidence,
  bookings: evidence.bookings.map((booking) => (booking.id === id ? { ...booking, ...change } : booking)),
});
const withoutBooking = (id: string): SaleEvidence => ({
  ...evidence,
  bookings: evidence.bookings.filter((booking) => booking.id !== id),
});

it('the check of a sale finds nothing when the tables have what the buyers were told', () => {
  expect(checkSale(evidence)).toEqual({ doubleSales: 0, lostAcknowledgements: 0, findings: [] });
});

/** Damage, the check that finds it, double sales, lost acknowledgements. */
const damages: readonly (readonly [string, string, number, number, SaleEvidence])[] = [
  ['a paid booking that the table does not have', 'lost acknowledgement', 0, 2, withoutBooking('b1')],
  ['a paid booking that expired', 'lost acknowledgement', 0, 1, withBooking('b1', { status: 'EXPIRED' })],
  ['a released booking that is held', 'lost acknowledgement', 0, 1, withBooking('b3', { status: 'PENDING' })],
  ['a hold that the table does not have', 'lost acknowledgement', 0, 2, withoutBooking('b3')],
  ['a booking of another user', 'lost acknowledgement', 0, 2, withBooking('b2', { userId: 'ani' })],
  ['a booking of another seat', 'lost acknowledgement', 0, 2, withBooking('b2', { seatIds: ['s3'] })],
  ['two paid bookings of a seat', 'double sale', 1, 1, withBooking('b3', { status: 'CONFIRMED' })],
  [
    'two buyers who were told that a seat is theirs',
    'double sale',
    1,
    1,
    { ...evidence, confirmations: [ani, budi, budiBefore] },
  ],
  [
    'a seat that is not sold',
    'unsold seat',
    0,
    0,
    { ...evidence, seats: [{ id: 's1', status: 'RESERVED' }, evidence.seats[1]!] },
  ],
  ['a seat that is sold to no buyer', 'unsold seat', 0, 2, withoutBooking('b2')],
  ['a payment of which its buyer was not told', 'untold effect', 0, 0, { ...evidence, confirmations: [ani] }],
  ['a hold of which its buyer was not told', 'untold effect', 0, 0, { ...evidence, holds: [ani, budi] }],
];

it.each(damages)('the check of a sale finds %s', (_, check, doubleSales, lostAcknowledgements, damaged) => {
  const judgement = checkSale(damaged);
  expect(judgement).toMatchObject({ doubleSales, lostAcknowledgements });
  expect(judgement.findings.map((finding) => finding.check)).toContain(check);
});

it('the check of a sale allows an effect of a request whose outcome its buyer never learned', () => {
  const { findings } = checkSale({ ...evidence, confirmations: [ani], unresolvedUsers: new Set(['budi']) });
  expect(findings).toEqual([]);
});
