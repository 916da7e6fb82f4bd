import { describe, expect, it } from 'vitest';
import { forAnother } from '../src/yardsticks/record-hold.ts';

describe('a recorded booking', () => {
  it('is sent again for another seat, buyer and booking, wherever its values name them', () => {
    const recorded = {
      seatId: 'seat-1',
      userId: 'buyer-1',
      bookingId: 'booking-1',
      calls: [
        { text: 'begin' },
        { name: 'hold', text: 'select $1', values: [['booking-1'], ['buyer-1'], 'of seat-1', 120, [null]] },
      ],
    };
    const wish = { seatId: 'seat-2', userId: 'buyer-2', bookingId: 'booking-2' };
    expect(forAnother(recorded, wish)).toEqual([
      { text: 'begin' },
      { name: 'hold', text: 'select $1', values: [['booking-2'], ['buyer-2'], 'of seat-2', 120, [null]] },
    ]);
  });
});
