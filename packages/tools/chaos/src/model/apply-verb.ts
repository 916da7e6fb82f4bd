import { isOverdue, type BookingState, type SeatState, type World } from './world.ts';

/** What anybody can ask of the engine, and time. */
export type Verb =
  | {
      readonly kind: 'hold';
      readonly bookingId: string;
      readonly userId: string;
      readonly seatIds: readonly string[];
    }
  | { readonly kind: 'confirm' | 'release'; readonly bookingId: string; readonly userId: string }
  | { readonly kind: 'expire'; readonly bookingId: string }
  | { readonly kind: 'pass'; readonly time: number };

/** `DONE` says that the verb had its effect, `AGAIN` that it had it before, `NOTHING` that there was none to have. */
export type Outcome =
  | 'DONE'
  | 'AGAIN'
  | 'NOTHING'
  | 'SEAT_TAKEN'
  | 'BOOKING_NOT_FOUND'
  | 'BOOKING_EXPIRED'
  | 'BOOKING_NOT_PENDING';

export interface Step {
  readonly world: World;
  readonly outcome: Outcome;
}

/** One verb after the other: the whole meaning of the engine, as a fold. */
export function applyVerb(world: World, verb: Verb): Step {
  switch (verb.kind) {
    case 'hold':
      return hold(world, verb);
    case 'confirm':
      return settle(world, verb, 'CONFIRMED');
    case 'release':
      return settle(world, verb, 'CANCELLED');
    case 'expire':
      return expire(world, verb.bookingId);
    case 'pass':
      return { world: { ...world, now: world.now + verb.time }, outcome: 'DONE' };
  }
}

function hold(world: World, verb: Extract<Verb, { kind: 'hold' }>): Step {
  const { bookingId, userId, seatIds } = verb;
  const holders = seatIds.map((id) => world.seats[id]?.holder ?? null).filter((id) => id !== null);
  const isTaken = holders.some((id) => !isOverdue(world, world.bookings[id]!));
  if (isTaken) return { world, outcome: 'SEAT_TAKEN' };
  // Lazy reclaim: an overdue hold ends whole, also the seats of it that nobody asked for.
  const reclaimed = holders.reduce((before, id) => end(before, id, 'EXPIRED'), world);
  const booking: BookingState = {
    status: 'PENDING',
    userId,
    seatIds,
    expiresAt: world.now + world.holdFor,
  };
  const held = moveSeats(reclaimed, seatIds, (seat) => ({
    status: 'RESERVED',
    version: seat.version + 1,
    holder: bookingId,
  }));
  return {
    world: { ...held, bookings: { ...held.bookings, [bookingId]: booking } },
    outcome: 'DONE',
  };
}

function settle(
  world: World,
  verb: { readonly bookingId: string; readonly userId: string },
  to: 'CONFIRMED' | 'CANCELLED',
): Step {
  const booking = world.bookings[verb.bookingId];
  if (booking === undefined || booking.userId !== verb.userId) return { world, outcome: 'BOOKING_NOT_FOUND' };
  if (booking.status === to) return { world, outcome: 'AGAIN' };
  if (booking.status === 'EXPIRED' || isOverdue(world, booking)) {
    return { world, outcome: to === 'CONFIRMED' ? 'BOOKING_EXPIRED' : 'BOOKING_NOT_PENDING' };
  }
  if (booking.status !== 'PENDING') return { world, outcome: 'BOOKING_NOT_PENDING' };
  return { world: end(world, verb.bookingId, to), outcome: 'DONE' };
}

function expire(world: World, bookingId: string): Step {
  const booking = world.bookings[bookingId];
  if (booking === undefined || !isOverdue(world, booking)) return { world, outcome: 'NOTHING' };
  return { world: end(world, bookingId, 'EXPIRED'), outcome: 'DONE' };
}

/** A PENDING booking reaches its end, and its seats go with it. Of one that has ended already nothing changes. */
function end(world: World, bookingId: string, to: 'CONFIRMED' | 'CANCELLED' | 'EXPIRED'): World {
  const booking = world.bookings[bookingId]!;
  if (booking.status !== 'PENDING') return world;
  const isSale = to === 'CONFIRMED';
  const moved = moveSeats(world, booking.seatIds, (seat) => ({
    status: isSale ? 'SOLD' : 'AVAILABLE',
    version: seat.version + 1,
    holder: isSale ? bookingId : null,
  }));
  return { ...moved, bookings: { ...moved.bookings, [bookingId]: { ...booking, status: to } } };
}

function moveSeats(world: World, seatIds: readonly string[], move: (seat: SeatState) => SeatState): World {
  const moved = Object.fromEntries(seatIds.map((id) => [id, move(world.seats[id]!)]));
  return { ...world, seats: { ...world.seats, ...moved } };
}
