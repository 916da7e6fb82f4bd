export { createSeatCore, type SeatCore, type SeatCoreOptions } from './seat-core.ts';
export { openSeatCore, type OpenSeatCoreOptions } from './open-seat-core.ts';
export { openDatabase, type Database, type DatabaseOptions } from './postgres/pool.ts';
export { closeRedis, openQueueRedis, openRedis, type RedisConnectionOptions } from './redis/connect.ts';
export {
  createExpiryQueue,
  expiryJobName,
  expiryQueueName,
  type ExpiryJobBooking,
  type ExpiryJobData,
  type ExpiryQueue,
} from './queue/expiry-queue.ts';
export { runMigrations, serviceRoleOf, type MigrateOptions } from './admin/migrate.ts';
export {
  auditCheckNames,
  auditInvariants,
  auditInvariantsInTurn,
  type AuditOptions,
  type AuditReport,
  type CheckResult,
} from './admin/audit-invariants.ts';
export {
  replayHistory,
  type ReplayOptions,
  type ReplayProgress,
  type ReplayReport,
} from './admin/replay-history.ts';
export {
  openRetention,
  type RetirableEvent,
  type Retention,
  type RetentionOptions,
} from './admin/retention.ts';
export {
  NotRetirableError,
  type EventArchive,
  type RetiredEvent,
  type RetireEventInput,
} from './admin/retire-event.ts';
export { TimeLimitError } from './admin/read-transaction.ts';
export { SeatCoreError, type InputFault, type SeatErrorCode, type SeatErrorDetails } from './errors.ts';
export type { SeatCoreLogger, SeatCoreSettings } from './options.ts';
export { DependencyAwayError } from './resilience/circuit-breaker.ts';
export type { FaultyPart } from './health.ts';
export type { ConnectionLimits } from './postgres/connection-limits.ts';
export type { IdempotencyInput, Replayable } from './idempotency/idempotency.ts';
export type { HoldSeatsInput } from './hold/hold-seats.ts';
export type { SettleBookingInput } from './bookings/settle-booking.ts';
export type { ExpireBookingsResult } from './expiry/expire-bookings.ts';
export type { GetBookingInput, ListLiveBookingsInput } from './bookings/get-booking.ts';
export type { AvailableSeats, ListAvailableSeatsInput } from './seats/available-seats.ts';
export type { MapEncoding } from './seats/encoded-map.ts';
export type { SeatMap } from './seats/seat-map.ts';
export type {
  OnSeatsUpdate,
  SeatsChanges,
  SeatsSnapshot,
  SeatsUpdate,
  WatchedSeat,
} from './live/seat-watcher.ts';
export type { SeatWatch, WatchSeatsInput } from './live/watch-seats.ts';
export {
  maxSeatsPerEvent,
  type CreateEventInput,
  type NewRow,
  type NewSection,
} from './events/create-event.ts';
export type { EventPage, ListEventsInput } from './events/event-reader.ts';
export type { PublishedSeatChange } from './announce/publish-commit.ts';
export type {
  Booking,
  BookingStatus,
  EventSection,
  Money,
  Seat,
  SeatCounts,
  SeatStatus,
  TicketedEvent,
} from './types.ts';
