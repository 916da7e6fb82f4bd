export { createSeatCore, type SeatCore, type SeatCoreOptions } from './seat-core.ts';
export { openSeatCore, type OpenSeatCoreOptions } from './open-seat-core.ts';
export { startExpiryWorker, type ExpiryWorker, type ExpiryWorkerOptions } from './expiry/worker.ts';
export { SeatCoreError } from './errors.ts';
export { defaultSettings, type SeatCoreLogger, type SeatCoreSettings } from './options.ts';
export { anyone, type Owner } from './records/ownership.ts';
export type { Repeatable } from './idempotency/idempotency.ts';
export type { HoldSeatsInput } from './hold/hold-seats.ts';
export type { TransitionInput } from './bookings/commit-transitions.ts';
export type { GetBookingInput, ListLiveBookingsInput } from './bookings/get-booking.ts';
export type { ExpireBookingsResult } from './expiry/expire-bookings.ts';
export type { AvailableSeats, ListAvailableSeatsInput } from './seats/available-seats.ts';
export type { SeatMap } from './seats/seat-map.ts';
export type { SubscribeToSeatsInput } from './live/subscribe.ts';
export type { SeatDelta, SeatMessage, SeatSnapshot, SeatSubscription } from './live/subscription.ts';
export { maxSeatsPerEvent, type CreateEventInput } from './events/check-event.ts';
export type { EventPage, ListEventsInput } from './events/event-reader.ts';
export type { InstallationCheck } from './installation.ts';
export type {
  Booking,
  BookingStatus,
  DegradedDependency,
  Money,
  Seat,
  SeatStatus,
  TicketedEvent,
} from './types.ts';
