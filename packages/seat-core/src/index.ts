export { createSeatCore, type SeatCore, type SeatCoreOptions } from './seat-core.ts';
export { openSeatCore, type OpenSeatCoreOptions } from './open-seat-core.ts';
export { openDatabase, type Database, type DatabaseOptions } from './database.ts';
export { closeRedis, openQueueRedis, openRedis, type RedisConnectionOptions } from './redis.ts';
export {
  createExpiryQueue,
  expiryJobName,
  expiryQueueName,
  type ExpiryJobBooking,
  type ExpiryJobData,
  type ExpiryQueue,
} from './expiry-queue.ts';
export { runMigrations, serviceRoleOf, type MigrateOptions } from './migrate.ts';
export {
  auditCheckNames,
  auditInvariants,
  auditInvariantsInTurn,
  type AuditOptions,
  type AuditReport,
  type CheckResult,
} from './audit-invariants.ts';
export {
  replayHistory,
  type ReplayOptions,
  type ReplayProgress,
  type ReplayReport,
} from './replay-history.ts';
export { openRetention, type RetirableEvent, type Retention, type RetentionOptions } from './retention.ts';
export {
  NotRetirableError,
  type EventArchive,
  type RetiredEvent,
  type RetireEventInput,
} from './retire-event.ts';
export { TimeLimitError } from './snapshot.ts';
export { SeatCoreError, type InputFault, type SeatErrorCode, type SeatErrorDetails } from './errors.ts';
export type { SeatCoreLogger, SeatCoreSettings } from './context.ts';
export { DependencyAwayError } from './dependency.ts';
export type { FaultyPart } from './faulty-parts.ts';
export type { ConnectionLimits } from './connection-limits.ts';
export type { IdempotencyInput, Replayable } from './idempotency.ts';
export type { HoldSeatsInput } from './hold-seats.ts';
export type { SettleBookingInput } from './settle-booking.ts';
export type { ExpireBookingsResult } from './expire-bookings.ts';
export type { GetBookingInput, ListLiveBookingsInput } from './get-booking.ts';
export type { AvailableSeats, ListAvailableSeatsInput } from './available-seats.ts';
export type { MapEncoding } from './encoded-map.ts';
export type { SeatMap } from './seat-map.ts';
export type { OnSeatsUpdate, SeatsChanges, SeatsSnapshot, SeatsUpdate, WatchedSeat } from './seat-watcher.ts';
export type { SeatWatch, WatchSeatsInput } from './watch-seats.ts';
export { maxSeatsPerEvent, type CreateEventInput, type NewRow, type NewSection } from './create-event.ts';
export type { EventPage, ListEventsInput } from './event-reader.ts';
export type { PublishedSeatChange } from './seat-changes.ts';
export type {
  Booking,
  BookingStatus,
  EventSection,
  Money,
  Seat,
  SeatCounts,
  SeatStatus,
  TicketedEvent,
} from './views.ts';
