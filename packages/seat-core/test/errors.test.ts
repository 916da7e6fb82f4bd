import { describe, expect, expectTypeOf, it } from 'vitest';
import { SeatCoreError, seatErrorCodes, type InputError, type SeatErrorCode } from '../src/errors.ts';

describe('SeatCoreError', () => {
  it('narrows to the details of SEAT_TAKEN by its code', () => {
    const error = new SeatCoreError('SEAT_TAKEN', 'taken', { seatIds: ['a'] });
    if (!error.is('SEAT_TAKEN')) throw new Error('expected SEAT_TAKEN');
    expectTypeOf(error.code).toEqualTypeOf<'SEAT_TAKEN'>();
    expectTypeOf(error.details.seatIds).toEqualTypeOf<readonly string[]>();
    expect(error.details.seatIds).toEqual(['a']);
    expect(error.is('SEAT_LOCKED')).toBe(false);
  });

  it('narrows to the details of each code', () => {
    const details = (error: SeatCoreError) => {
      if (error.is('VALIDATION_FAILED'))
        expectTypeOf(error.details.errors).toEqualTypeOf<readonly InputError[]>();
      if (error.is('BOOKING_NOT_PENDING'))
        expectTypeOf(error.details.bookingStatus).toEqualTypeOf<'CONFIRMED' | 'EXPIRED' | 'CANCELLED'>();
      if (error.is('DEPENDENCY_UNAVAILABLE'))
        expectTypeOf(error.details.outcome).toEqualTypeOf<'unknown' | undefined>();
      return error.details;
    };
    const lost = new SeatCoreError('DEPENDENCY_UNAVAILABLE', 'no answer', { outcome: 'unknown' });
    expect(details(lost)).toEqual({ outcome: 'unknown' });
  });

  it('cannot be made without the details of its code', () => {
    // @ts-expect-error: SEAT_TAKEN without its seats
    expect(new SeatCoreError('SEAT_TAKEN', 'taken').details).toEqual({});
    // @ts-expect-error: details of another code
    expect(new SeatCoreError('SEAT_LOCKED', 'locked', { seatIds: ['a'] }).code).toBe('SEAT_LOCKED');
    expect(new SeatCoreError('SEAT_LOCKED', 'locked').details).toEqual({});
  });

  it('is retryable where the same request may succeed when it is sent again', () => {
    const retryable: SeatErrorCode[] = [
      'SEAT_LOCKED',
      'SALES_NOT_OPEN',
      'IDEMPOTENCY_KEY_IN_PROGRESS',
      'OVERLOADED',
      'DEPENDENCY_UNAVAILABLE',
    ];
    const isRetryable = (code: SeatErrorCode) =>
      new SeatCoreError(...([code, 'message'] as unknown as ['SEAT_LOCKED', string])).retryable;
    expect(seatErrorCodes.filter(isRetryable)).toEqual(retryable);
  });
});
