import { SeatCoreError } from './errors.ts';

/** @param seatIds the seats known to be in the way, at least one, never a free one */
export function takenError(seatIds: readonly string[]): SeatCoreError {
  return new SeatCoreError('SEAT_TAKEN', `taken: ${seatIds.join(', ')}`, { seatIds });
}
