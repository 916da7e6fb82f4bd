import type { Statement } from '../postgres/statement.ts';

/*
 * A transition: PENDING bookings become CONFIRMED, CANCELLED or EXPIRED, many in one statement. Bookings are locked by
 * id, then their seats by id: the one lock order of the engine. The transaction that locks the booking's row first
 * wins: the status, not the clock, keeps two transitions from both having an effect, and a seat follows its booking.
 *
 * The seats are locked by their update, which reads them in order of id. A lock of their own in front would change
 * nothing: the seats of a PENDING booking are changed only behind the lock of its row, and a hold, which locks
 * seats first, waits for no row.
 *
 * Each CTE hands on what the later ones need, so that nothing is joined twice: in a batch of n a join of two CTEs
 * compares n² rows.
 */

interface Transition {
  readonly name: string;
  /** CTEs `clock` and `due` (id, event_id, actor, request_id, and `extra`): the bookings that move, locked in order of id. */
  readonly selected: string;
  readonly booking: 'CONFIRMED' | 'CANCELLED' | 'EXPIRED';
  readonly seat: 'SOLD' | 'AVAILABLE';
  readonly cause: string;
  /** More columns of `due`, of `bookings`, of `booking_seats` and of `seats` that `changed` has beside those of each transition. */
  readonly extra?: {
    readonly due: readonly string[];
    readonly booking: readonly string[];
    readonly line: readonly string[];
    readonly seat: readonly string[];
  };
  /** More CTEs, which may read `moved_booking`. */
  readonly effects?: string;
  /** Reads `changed`: one row per seat of each booking that moved. A booking without rows was refused. */
  readonly result: string;
}

const nothing = { due: [], booking: [], line: [], seat: [] };

export function transitionStatement(transition: Transition): Statement {
  const { name, selected, booking, seat, cause, extra = nothing, effects = '', result } = transition;
  const isSale = booking === 'CONFIRMED';
  const columns = (table: string, names: readonly string[]) => names.map((column) => `${table}.${column}`);
  const ofDue = ['actor', 'request_id', ...extra.due];
  const ofBooking = ['id', 'event_id', 'expires_at', ...extra.booking];
  const ofMoved = [...ofBooking, ...ofDue];
  const ofLine = ['seat_id', ...extra.line];
  const lineColumns = [...columns('moved_booking', ofMoved), ...columns('line', ofLine)].join(', ');
  const line = isSale
    ? `
line as materialized (
  select ${lineColumns}
  from moved_booking
  join booking_seats line on line.event_id = moved_booking.event_id and line.booking_id = moved_booking.id
  order by line.seat_id
)`
    : `
closed as (
  update booking_seats line set live = false
  from moved_booking
  where line.event_id = moved_booking.event_id and line.booking_id = moved_booking.id
  returning ${lineColumns}
),
line as materialized (
  select * from closed order by seat_id
)`;
  return {
    name,
    text: `
with ${selected.trim()},
moved_booking as (
  update bookings booking
  set status = '${booking}'${isSale ? ', confirmed_at = (select at from clock)' : ''}
  from due
  where booking.id = due.id and booking.event_id = due.event_id
  returning ${[...columns('booking', ofBooking), ...columns('due', ofDue)].join(', ')}
),${line},
changed as (
  update seats seat
  set status = '${seat}', version = seat.version + 1
  from line
  where seat.event_id = line.event_id and seat.id = line.seat_id
  returning ${[...columns('line', [...ofMoved, ...ofLine]), ...columns('seat', ['version', ...extra.seat])].join(', ')}
),
recorded as (
  insert into booking_events (event_id, booking_id, from_status, to_status, cause, actor, request_id, at,
                              seat_ids, seat_versions)
  select event_id, id, 'PENDING', '${booking}', '${cause}', actor, request_id, (select at from clock),
         array_agg(seat_id order by seat_id), array_agg(version order by seat_id)
  from changed
  group by id, event_id, actor, request_id
)${effects.trimEnd()}
${result.trim()}`,
  };
}
