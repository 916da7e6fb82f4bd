import { editStatement, replace } from './replacement.ts';
import type { Variant } from './variant.ts';

/*
 * Mistakes that are clauses of the hold statement. They edit the exported text, because one statement decides everything
 * about a hold and has no smaller export; an edit whose text is gone ends the service.
 */
const edit = (...edits: { find: string; put: string }[]) => [
  replace('hold/hold-seats.sql', 'holdSeatsStatement', (statement) => editStatement(statement, edits)),
];

export const holdStatementVariants: readonly Variant[] = [
  {
    name: 'read-then-write',
    mistake: 'a hold reads whether its seats are free, then takes them; no index forbids two live bookings',
    caughtBy: ['seat-history', 'seat-status'],
    replacements: edit({ find: 'limit 1 for no key update skip locked) seat', put: 'limit 1) seat' }),
    sql: ['drop index booking_seats_live_seat_key', 'drop trigger seats_legal_edge on seats'],
    // The lock in Redis hides the mistake while Redis answers; with few seats and many buyers the statements meet.
    profile: { hotSeats: 3, hotShare: 1, thinkMs: 2, faults: ['freeze-redis'], faultEveryMs: [50, 200] },
    seconds: 3,
  },
  {
    name: 'half-a-booking',
    mistake: 'a hold takes those of its seats that are free',
    caughtBy: ['all-seats-or-none'],
    replacements: edit(
      { find: "having bool_and(judged.verdict = 'FREE')", put: "having bool_or(judged.verdict = 'FREE')" },
      {
        find: 'select judged.* from judged join won on won.booking_id = judged.booking_id',
        put: "select judged.* from judged join won on won.booking_id = judged.booking_id and judged.verdict = 'FREE'",
      },
    ),
    profile: { faults: ['flush-redis'], faultEveryMs: [50, 200] },
    seconds: 3,
  },
  {
    name: 'reclaim-strands-seats',
    mistake:
      'the reclaim of an overdue hold frees the requested seat and forgets the other seats of that hold',
    caughtBy: ['seat-status', 'seat-history'],
    replacements: edit({
      find: 'where not exists (select from won_seat where won_seat.seat_id = overdue_seat.id)',
      put: 'where false',
    }),
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
];
