import type { Variant } from './variant.ts';

/** Mistakes about what an answer means. */
export const durabilityVariants: readonly Variant[] = [
  {
    name: 'asynchronous-commit',
    mistake: 'an answer is given before its commit is on disk',
    caughtBy: ['acknowledged-is-present'],
    edits: [
      {
        file: 'packages/seat-core/dist/postgres/pool.js',
        find: "options: '-c enable_seqscan=off",
        replace: "options: '-c synchronous_commit=off -c enable_seqscan=off",
      },
    ],
    profile: { thinkMs: 5, faults: ['restart-postgres'], faultEveryMs: [500, 1_500] },
    seconds: 3,
  },
  {
    name: 'unknown-as-no',
    mistake: 'a commit whose reply was lost is told as one that did not happen',
    caughtBy: ['refused-had-no-effect'],
    edits: [
      {
        file: 'packages/seat-core/dist/postgres/error-mapping.js',
        find: "isUnknown ? { outcome: 'unknown' } : {}",
        replace: '{}',
      },
    ],
    profile: { thinkMs: 5, faults: ['deafen-postgres'], faultEveryMs: [300, 800] },
    seconds: 3,
  },
  {
    name: 'counted-twice',
    mistake: 'a confirmation that was there already is counted again',
    caughtBy: ['tickets-counted-once'],
    edits: [
      {
        file: 'packages/seat-core/dist/bookings/settle-booking.js',
        find: "if (booking.status === 'CONFIRMED')",
        replace:
          "if (booking.status === 'CONFIRMED') context.metrics.ticketsSold.inc(booking.seats.length);\n        if (booking.status === 'CONFIRMED')",
      },
    ],
    settings: { each: { 'booking-api': 1, 'payment-api': 2, 'expiry-worker': 1 } },
    profile: { confirmShare: 0.9, twinShare: 0.8, hotShare: 0.2, faults: [] },
    seconds: 2,
  },
];
