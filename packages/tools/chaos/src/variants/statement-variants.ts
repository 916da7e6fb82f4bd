import type { Variant } from './variant.ts';

const holdSql = 'packages/seat-core/dist/hold/hold-seats.sql.js';

/** Mistakes in the statements that decide. */
export const statementVariants: readonly Variant[] = [
  {
    name: 'read-then-write',
    mistake: 'a hold looks whether its seats are free, then takes them; no index forbids two live bookings',
    caughtBy: ['seat-history', 'seat-status', 'seat-sold-once'],
    edits: [{ file: holdSql, find: 'limit 1 for no key update skip locked) seat', replace: 'limit 1) seat' }],
    sql: ['drop index booking_seats_live_seat_key', 'drop trigger seats_legal_edge on seats'],
    // The lock of Redis hides it while there is Redis; few seats and many buyers make them meet.
    profile: { hotSeats: 3, hotShare: 1, thinkMs: 2, faults: ['freeze-redis'], faultEveryMs: [50, 200] },
    seconds: 3,
  },
  {
    name: 'half-a-booking',
    mistake: 'a hold takes those of its seats that are free',
    caughtBy: ['all-seats-or-none'],
    edits: [
      {
        file: holdSql,
        find: "having bool_and(judged.verdict = 'FREE')",
        replace: "having bool_or(judged.verdict = 'FREE')",
      },
      {
        file: holdSql,
        find: 'select judged.* from judged join won on won.booking_id = judged.booking_id',
        replace:
          "select judged.* from judged join won on won.booking_id = judged.booking_id and judged.verdict = 'FREE'",
      },
    ],
    profile: { faults: ['flush-redis'], faultEveryMs: [50, 200] },
    seconds: 3,
  },
  {
    name: 'reclaim-strands-seats',
    mistake: 'reclaiming an overdue hold frees the seat that is wanted and forgets its neighbours',
    caughtBy: ['seat-status', 'seat-history'],
    edits: [
      {
        file: holdSql,
        find: 'where not exists (select from won_seat where won_seat.seat_id = overdue_seat.id)',
        replace: 'where false',
      },
    ],
    // Without jobs an overdue hold waits for the sweep, and meets its next buyer.
    settings: { holdSeconds: 1 },
    profile: {
      confirmShare: 0,
      releaseShare: 0.1,
      hotShare: 0.9,
      hotSeats: 30,
      faults: ['flush-redis'],
      faultEveryMs: [50, 200],
    },
    seconds: 4,
  },
  {
    name: 'cap-without-lock',
    mistake: 'the seats that a user holds are counted while somebody else counts them, too',
    caughtBy: ['cap-holds'],
    edits: [
      {
        file: 'packages/seat-core/dist/hold/commit-holds.js',
        find: 'select pg_advisory_xact_lock(holder.lock)',
        replace: 'select holder.lock',
      },
    ],
    profile: { hoardShare: 0.7, hotShare: 0, faults: [] },
    seconds: 3,
  },
  {
    name: 'cap-in-redis',
    mistake: 'the seats that a user holds are counted in Redis alone',
    caughtBy: ['cap-holds'],
    edits: [
      { file: holdSql, find: 'where held_before + seat_count <= $7', replace: 'where $7::int is not null' },
      {
        file: 'packages/seat-core/dist/hold/hold-seats.js',
        find: 'const lease = await tryAcquireSeats(',
        replace: `const holds = await context.redis.client.incrby('holds:' + userId, seatIds.length);
          await context.redis.client.expire('holds:' + userId, context.settings.holdSeconds);
          if (holds > context.settings.maxHeldSeatsPerUser)
            throw new SeatCoreError('HOLD_LIMIT_REACHED', 'counted in Redis');
          const lease = await tryAcquireSeats(`,
      },
    ],
    profile: { hoardShare: 0.7, hotShare: 0, faults: ['flush-redis'], faultEveryMs: [20, 80] },
    seconds: 3,
  },
];
