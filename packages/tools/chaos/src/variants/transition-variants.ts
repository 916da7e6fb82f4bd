import { engineModule } from './engine-modules.ts';
import { replace } from './replacement.ts';
import type { Variant } from './variant.ts';

/** Mistakes in confirm and expire: about the deadline, its clock, the seats of a job and the cache. */
export const transitionVariants: readonly Variant[] = [
  {
    name: 'process-clock',
    mistake: 'a process compares deadlines with its own clock; the clock of one worker is ten minutes ahead',
    caughtBy: ['no-hold-ends-early'],
    replacements: [
      replace('records/booking-conditions.sql', 'isOverdue', () => (booking) => {
        const aheadMs = Number(process.env['CHAOS_CLOCK_SKEW_MS'] ?? 0);
        return `${booking}.expires_at <= (select at from clock) + interval '${aheadMs} milliseconds'`;
      }),
    ],
    settings: { workerSkewMs: 600_000, each: { 'booking-api': 1, 'payment-api': 1, 'expiry-worker': 2 } },
    profile: { faults: [] },
    seconds: 2,
  },
  {
    name: 'paid-too-late',
    mistake: 'a confirmation looks at the status alone, not at the deadline',
    caughtBy: ['nothing-sold-late'],
    replacements: [replace('records/booking-conditions.sql', 'isInTime', () => () => 'true')],
    settings: { holdSeconds: 1 },
    // Without jobs a hold stays PENDING until the sweep, long enough to be paid too late.
    profile: { lateConfirmShare: 0.4, confirmShare: 0, faults: ['flush-redis'], faultEveryMs: [50, 200] },
    seconds: 3,
  },
  {
    name: 'no-sweep',
    mistake: 'only the clean-up job ends a hold',
    caughtBy: ['holds-end-on-time'],
    replacements: [replace('expiry/expire-bookings', 'sweepOverdue', () => async () => 0)],
    settings: { holdSeconds: 1 },
    profile: { confirmShare: 0.1, releaseShare: 0.1, faults: ['flush-redis'], faultEveryMs: [200, 600] },
    seconds: 3,
  },
  {
    name: 'expire-by-seat',
    mistake: 'a clean-up job frees the seats that it names, also when the next buyer holds them',
    caughtBy: ['seat-status', 'seat-history'],
    replacements: [
      replace('expiry/expire-bookings', 'expireBookings', (expire) => async (dependencies, input) => {
        const result = await expire(dependencies, input);
        if (result.nextDueInMs !== null) return result;
        const text = `
          update seats set status = 'AVAILABLE', version = version + 1
          where status = 'RESERVED' and id in (select seat_id from booking_seats where booking_id = any($1::uuid[]))`;
        await dependencies.connections.commit({ name: 'free-seats', text }, [input.bookingIds]);
        return result;
      }),
    ],
    settings: { holdSeconds: 1 },
    profile: { releaseShare: 0.6, confirmShare: 0.05, faults: [] },
    seconds: 3,
  },
  {
    name: 'sold-before-commit',
    mistake: 'the seats of a booking are marked SOLD in Redis before the database has decided about the sale',
    caughtBy: ['status-keys-are-right', 'free-seats-sell'],
    replacements: [
      replace('bookings/confirm-booking', 'confirmBooking', (confirm) => async (dependencies, input) => {
        const { findBooking } = await engineModule('records/find-booking');
        const { cacheSeatStatuses } = await engineModule('redis/gatekeeper');
        const booking = await findBooking(dependencies.connections, input.bookingId, null);
        await cacheSeatStatuses(
          dependencies.redis.client,
          booking.seats.map(({ id }) => ({ seatId: id, status: 'SOLD' })),
        );
        return confirm(dependencies, input);
      }),
    ],
    settings: { holdSeconds: 1 },
    // Refused sales of holds that ended so long ago that the repair, which goes back 5 s, passes over their seats.
    profile: {
      seats: 3_000,
      hotShare: 0,
      seatsPerHold: 1,
      thinkMs: 200,
      confirmShare: 0,
      releaseShare: 0,
      lateConfirmShare: 0.1,
      faults: [],
    },
    seconds: 9,
  },
];
