import { editStatement, replace } from './replacement.ts';
import type { Variant } from './variant.ts';

/*
 * Mistakes that are clauses of a hold statement. They edit the exported text, because one statement decides everything
 * about its holds and has no smaller export; an edit whose text is gone ends the service.
 */
interface Edit {
  readonly find: string;
  readonly put: string;
}

const editFree = (...edits: readonly Edit[]) =>
  replace('hold/hold-free-seats.sql', 'holdFreeSeatsStatements', ({ plain, keyed }) => ({
    plain: editStatement(plain, edits),
    keyed: editStatement(keyed, edits),
  }));
const editReclaim = (...edits: readonly Edit[]) =>
  replace('hold/hold-seats.sql', 'holdSeatsStatement', (statement) => editStatement(statement, edits));

/** Without jobs an overdue hold waits for the sweep, and meets its next buyer. */
const meetsOverdueHolds: Pick<Variant, 'settings' | 'profile' | 'seconds'> = {
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
};

export const holdStatementVariants: readonly Variant[] = [
  {
    name: 'read-then-write',
    mistake: 'a hold reads whether its seats are free, then takes them; no index forbids two live bookings',
    caughtBy: ['seat-history', 'seat-status'],
    replacements: [editFree({ find: 'limit 1 for no key update skip locked', put: 'limit 1' })],
    sql: ['drop index booking_seats_live_seat_key', 'drop trigger seats_legal_edge on seats'],
    // The lock in Redis hides the mistake while Redis answers; with few seats and many buyers the statements meet.
    profile: { hotSeats: 3, hotShare: 1, thinkMs: 2, faults: ['freeze-redis'], faultEveryMs: [50, 200] },
    seconds: 3,
  },
  {
    name: 'half-a-booking',
    mistake: 'a hold takes those of its seats that are free',
    caughtBy: ['all-seats-or-none'],
    replacements: [
      editFree({ find: '(free.seats = asked.last - asked.first + 1 and', put: '(free.seats > 0 and' }),
    ],
    profile: { faults: ['flush-redis'], faultEveryMs: [50, 200] },
    seconds: 3,
  },
  {
    name: 'overdue-taken-as-free',
    mistake: 'the statement for free seats takes a seat whose hold is overdue, and leaves that hold as it is',
    caughtBy: ['seat-status', 'seat-history'],
    replacements: [
      editFree({
        find: "and id = wanted.seat_id and status = 'AVAILABLE'",
        put: `and id = wanted.seat_id and (status = 'AVAILABLE' or exists (
          select from booking_seats line join bookings booking on booking.id = line.booking_id
          where line.seat_id = seats.id and line.live and booking.status = 'PENDING' and booking.expires_at <= clock.at))`,
      }),
    ],
    sql: ['drop index booking_seats_live_seat_key', 'drop trigger seats_legal_edge on seats'],
    ...meetsOverdueHolds,
  },
  {
    name: 'reclaim-strands-seats',
    mistake:
      'the reclaim of an overdue hold frees the requested seat and forgets the other seats of that hold',
    caughtBy: ['seat-status', 'seat-history'],
    replacements: [
      editReclaim({
        find: 'where not exists (select from won_seat where won_seat.seat_id = overdue_seat.id)',
        put: 'where false',
      }),
    ],
    ...meetsOverdueHolds,
  },
];
