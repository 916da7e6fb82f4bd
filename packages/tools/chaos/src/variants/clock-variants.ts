import type { Variant } from './variant.ts';

const settleSql = 'packages/seat-core/dist/bookings/transitions.sql.js';
const overdue = 'and booking.expires_at <= (select at from clock)';

/** Mistakes about deadlines, and about whose they are. */
export const clockVariants: readonly Variant[] = [
  {
    name: 'expire-without-status',
    mistake: 'a clean-up ends every booking whose deadline has passed, also those that were paid',
    caughtBy: ['acknowledged-is-present'],
    edits: [
      {
        file: settleSql,
        find: `where \${selection.pending}\n    ${overdue}`,
        replace: `where booking.status <> 'EXPIRED'\n    ${overdue}`,
      },
    ],
    sql: [
      'drop trigger bookings_legal_edge on bookings',
      'drop trigger seats_legal_edge on seats',
      'alter table bookings drop constraint bookings_confirmed_at_check',
    ],
    settings: { holdSeconds: 1 },
    profile: { faults: [] },
    seconds: 3,
  },
  {
    name: 'expire-by-seat',
    mistake: 'a clean-up job frees its seats, whoever has them by now',
    caughtBy: ['no-hold-ends-early'],
    edits: [
      {
        file: settleSql,
        find: "'and booking.id = any($1::uuid[])'",
        replace: `'and booking.id = any($1::uuid[])
          or booking.confirmed_at is null and booking.status not in ($$EXPIRED$$, $$CANCELLED$$) and booking.id in (
            select present.booking_id
            from booking_seats past
            join booking_seats present
              on present.event_id = past.event_id and present.seat_id = past.seat_id and present.live
            where past.booking_id = any($1::uuid[])
          )'`.replaceAll(/\s+/g, ' '),
      },
    ],
    settings: { holdSeconds: 1 },
    profile: { releaseShare: 0.6, confirmShare: 0.05, faults: [] },
    seconds: 3,
  },
  {
    name: 'process-clock',
    mistake: 'a worker decides by its own clock what is overdue; one of them is ten minutes ahead',
    caughtBy: ['no-hold-ends-early'],
    edits: [
      {
        file: settleSql,
        find: overdue,
        replace: 'and booking.expires_at <= to_timestamp($3::float8 / 1000)',
      },
      {
        file: 'packages/seat-core/dist/expiry/expire-bookings.js',
        find: '[jobs.flat(), actor]',
        replace: '[jobs.flat(), actor, Date.now()]',
      },
      {
        file: 'packages/seat-core/dist/expiry/expire-bookings.js',
        find: '[limit, actor]',
        replace: '[limit, actor, Date.now()]',
      },
    ],
    settings: { workerSkewMs: 600_000, each: { 'booking-api': 1, 'payment-api': 1, 'expiry-worker': 2 } },
    profile: { faults: [] },
    seconds: 2,
  },
  {
    name: 'paid-too-late',
    mistake: 'a confirmation looks at the status alone, not at the deadline',
    caughtBy: ['nothing-sold-late'],
    edits: [{ file: settleSql, find: 'and booking.expires_at > (select at from clock)', replace: '' }],
    settings: { holdSeconds: 1 },
    // Without jobs a hold stays PENDING until the sweep, long enough to be paid too late.
    profile: { lateConfirmShare: 0.4, confirmShare: 0, faults: ['flush-redis'], faultEveryMs: [50, 200] },
    seconds: 3,
  },
  {
    name: 'no-sweep',
    mistake: 'the clean-up job is the only thing that ends a hold',
    caughtBy: ['holds-end-on-time'],
    edits: [
      {
        file: 'apps/expiry-worker/dist/start-loops.js',
        find: 'ended = await core.sweepOverdue({ limit: sweepLimit });',
        replace: 'ended = 0;',
      },
    ],
    settings: { holdSeconds: 1 },
    profile: { confirmShare: 0.1, releaseShare: 0.1, faults: ['flush-redis'], faultEveryMs: [200, 600] },
    seconds: 3,
  },
];
