import type { Redis } from 'ioredis';
import type { CommittedHold, HoldRequest } from './hold/commit-holds.ts';
import type { Connections } from './postgres/connections.ts';
import type { Database } from './postgres/pool.ts';
import type { GroupCommit } from './postgres/group-commit.ts';
import type { Guarded } from './resilience/guarded.ts';
import type { Attempts } from './idempotency/idempotency.ts';
import type { SeatCoreMetrics } from './metrics.ts';
import type { GuardedQueue } from './redis/redis-parts.ts';
import type { Replica } from './postgres/replica.ts';
import type { Settlement, SettleRequest } from './bookings/settle-booking.ts';

/** What seat-core writes its log through; pino fits, and so does anything of the same shape. */
export interface SeatCoreLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SeatCoreSettings {
  /** How long a PENDING booking holds its seats. */
  readonly holdSeconds: number;
  readonly seatLockSeconds: number;
  readonly maxSeatsPerBooking: number;
  /** How many seats of one event a user may hold, PENDING and not overdue, at a time. */
  readonly maxHeldSeatsPerUser: number;
}

/** What every verb works with. */
export interface Context {
  readonly database: Database;
  readonly connections: Connections;
  /** Null where there is none. For lists, counts and maps; never for what decides. */
  readonly replica: Replica | null;
  readonly redis: Guarded<Redis>;
  /** Null where no holds are made. */
  readonly expiryQueue: GuardedQueue | null;
  /** As they were when last compared. */
  readonly clocks: { offsetSeconds: number };
  readonly settings: SeatCoreSettings;
  readonly metrics: SeatCoreMetrics;
  readonly logger: SeatCoreLogger;
  readonly holds: GroupCommit<HoldRequest, CommittedHold>;
  readonly confirmations: GroupCommit<SettleRequest, Settlement>;
  readonly releases: GroupCommit<SettleRequest, Settlement>;
  /** The bookings of one clean-up job; how many of them it ended. */
  readonly expirations: GroupCommit<readonly string[], number>;
  readonly attempts: Attempts;
  /** Work that outlives the answer it belongs to; `dispose` waits for it. */
  readonly background: Set<Promise<unknown>>;
}
