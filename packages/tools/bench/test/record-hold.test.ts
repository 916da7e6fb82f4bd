import { expect, it } from 'vitest';
import { forAnother } from '../src/yardsticks/record-hold.ts';

it('a recorded booking is sent for another seat, buyer and booking, wherever its values name them', () => {
  const queriesOf = (seatId: string, userId: string, bookingId: string) => [
    { text: 'begin' },
    { name: 'hold', text: 'select $1', values: [[bookingId], [userId], `of ${seatId}`, 120, [null]] },
  ];
  const recorded = { seatId: 'seat-1', userId: 'buyer-1', bookingId: 'booking-1' };
  const other = { seatId: 'seat-2', userId: 'buyer-2', bookingId: 'booking-2' };
  const queries = queriesOf('seat-1', 'buyer-1', 'booking-1');
  expect(forAnother({ ...recorded, queries }, other)).toEqual(queriesOf('seat-2', 'buyer-2', 'booking-2'));
});
