import { withDatabase } from '../rig/stores.ts';
import type { Acknowledgement } from './sale-log.ts';

/** A broken promise. */
export interface SaleFinding {
  /** The check that found it. */
  readonly check: string;
  readonly detail: string;
}

export interface SaleTables {
  readonly seats: readonly { readonly id: string; readonly status: string }[];
  readonly bookings: readonly SaleBooking[];
}

export interface SaleBooking {
  readonly id: string;
  readonly userId: string;
  readonly status: string;
  readonly seatIds: readonly string[];
}

/** What a sale leaves to be judged. */
export interface SaleEvidence extends SaleTables {
  readonly holds: readonly Acknowledgement[];
  readonly confirmations: readonly Acknowledgement[];
  readonly releases: readonly Acknowledgement[];
  /** Users of requests whose outcome stayed unknown. */
  readonly unresolvedUsers: ReadonlySet<string>;
}

/** Reads all rows in one snapshot. */
export async function readSaleTables(databaseUrl: string): Promise<SaleTables> {
  return withDatabase(databaseUrl, async (client) => {
    await client.query('begin isolation level repeatable read, read only');
    const seats = await client.query<SaleTables['seats'][number]>('select id, status from seats');
    const bookings = await client.query<SaleBooking>(
      `select booking.id, user_id as "userId", status, array_agg(line.seat_id::text) as "seatIds"
       from bookings booking join booking_seats line
         on line.event_id = booking.event_id and line.booking_id = booking.id
       group by booking.event_id, booking.id`,
    );
    await client.query('commit');
    return { seats: seats.rows, bookings: bookings.rows };
  });
}

export interface SaleJudgement {
  /** Seats of which two bookings are paid, by the tables or by what the buyers were told. */
  readonly doubleSales: number;
  /** Holds, confirmations and releases that a buyer was told of and the tables do not have. */
  readonly lostAcknowledgements: number;
  readonly findings: readonly SaleFinding[];
}

/** Compares what the buyers were told with the tables, in both directions. */
export function checkSale(evidence: SaleEvidence): SaleJudgement {
  const doubles = findDoubleSales(evidence);
  const lost = findLostAcknowledgements(evidence);
  return {
    doubleSales: doubles.length,
    lostAcknowledgements: lost.length,
    findings: [...doubles, ...lost, ...findUnsoldSeats(evidence), ...findUntoldEffects(evidence)],
  };
}

function findDoubleSales({ bookings, confirmations }: SaleEvidence): SaleFinding[] {
  const paid = new Map<string, Set<string>>();
  const add = (seatId: string, bookingId: string) =>
    void paid.set(seatId, (paid.get(seatId) ?? new Set()).add(bookingId));
  for (const { id, seatIds } of bookings.filter(isPaid)) for (const seatId of seatIds) add(seatId, id);
  for (const { seatId, bookingId } of confirmations) add(seatId, bookingId);
  return [...paid]
    .filter(([, bookingIds]) => bookingIds.size > 1)
    .map(([seatId, bookingIds]) => {
      return { check: 'double sale', detail: `seat ${seatId} in bookings ${[...bookingIds].join(', ')}` };
    });
}

function findLostAcknowledgements(evidence: SaleEvidence): SaleFinding[] {
  const rows = new Map(evidence.bookings.map((booking) => [booking.id, booking]));
  const explain = ({ bookingId, seatId, userId }: Acknowledgement, status?: string) => {
    const row = rows.get(bookingId);
    if (row === undefined) return 'does not exist';
    if (row.userId !== userId) return `belongs to ${row.userId}, not to ${userId}`;
    if (row.seatIds.join() !== seatId) return `has ${row.seatIds.join()}, not ${seatId}`;
    if (status === undefined || row.status === status) return undefined;
    return `is ${row.status}, acknowledged was ${status}`;
  };
  const find = (acknowledgements: readonly Acknowledgement[], status?: string) =>
    acknowledgements.flatMap((acknowledgement) => {
      const reason = explain(acknowledgement, status);
      const detail = `booking ${acknowledgement.bookingId} ${reason}`;
      return reason === undefined ? [] : [{ check: 'lost acknowledgement', detail }];
    });
  return [
    ...find(evidence.holds),
    ...find(evidence.confirmations, 'CONFIRMED'),
    ...find(evidence.releases, 'CANCELLED'),
  ];
}

/** Each seat is SOLD, to one booking that is paid. */
function findUnsoldSeats({ seats, bookings }: SaleEvidence): SaleFinding[] {
  const paid = new Set(bookings.filter(isPaid).flatMap(({ seatIds }) => seatIds));
  return seats.flatMap(({ id, status }) => {
    const booked = paid.has(id) ? 'with' : 'without';
    const detail = `seat ${id} is ${status} ${booked} a paid booking`;
    return status === 'SOLD' && paid.has(id) ? [] : [{ check: 'unsold seat', detail }];
  });
}

/** A buyer who sends a request again under its key is told of its effect: no row is there that its buyer does not know. */
function findUntoldEffects({ bookings, holds, confirmations, unresolvedUsers }: SaleEvidence): SaleFinding[] {
  const held = new Set(holds.map(({ bookingId }) => bookingId));
  const confirmed = new Set(confirmations.map(({ bookingId }) => bookingId));
  return bookings.flatMap((booking) => {
    const { id, userId, status } = booking;
    const isTold = held.has(id) && (confirmed.has(id) || !isPaid(booking));
    if (isTold || unresolvedUsers.has(userId)) return [];
    return [{ check: 'untold effect', detail: `booking ${id} of ${userId} is ${status}` }];
  });
}

function isPaid({ status }: SaleBooking): boolean {
  return status === 'CONFIRMED';
}
