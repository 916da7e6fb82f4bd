import type { Statement } from '../postgres/statement.ts';
import { isOverdue, isPending } from '../records/booking-conditions.sql.ts';
import { transitionStatement } from '../records/transition.sql.ts';

/** PENDING bookings past their deadline by the database's clock. Skips a booking that another transaction has locked: that one decides. */
function overdue(selection: { pending: string; condition: string; limit: string }): string {
  return `
clock as materialized (
  select date_trunc('milliseconds', clock_timestamp()) as at
),
due as materialized (
  select booking.id, booking.event_id, $2::text as actor, null::text as request_id
  from bookings booking
  where ${selection.pending}
    and ${isOverdue('booking')}
    ${selection.condition}
  ${selection.limit}
  for no key update skip locked
)`;
}

const expired = {
  booking: 'EXPIRED',
  seat: 'AVAILABLE',
  result:
    'select id, event_id, expires_at, seat_id, version as seat_version, (select at from clock) as at from changed',
} as const;

/** $1 booking ids, $2 actor */
export const expireBookingsStatement = transitionStatement({
  name: 'expire-bookings',
  selected: overdue({
    pending: isPending('booking'),
    condition: 'and booking.id = any($1::uuid[])',
    limit: 'order by booking.id',
  }),
  cause: 'job',
  ...expired,
});

/** $1 how many at most, $2 actor */
export const sweepOverdueStatement = transitionStatement({
  name: 'sweep-overdue',
  selected: overdue({
    pending: `booking.status = 'PENDING'`,
    condition: '',
    limit: 'order by booking.expires_at limit $1',
  }),
  cause: 'sweep',
  ...expired,
});

/** $1 booking ids. How long, in ms, the earliest of those still PENDING has left; null when none is PENDING. */
export const nextDueStatement: Statement = {
  name: 'next-due',
  text: `
select case when count(*) > 0
  then ceil(greatest(0, extract(epoch from min(expires_at) - clock_timestamp())) * 1000)::float8 end as due_in_ms
from bookings where id = any($1::uuid[]) and ${isPending('bookings')}`,
};
