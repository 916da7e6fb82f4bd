import type { Redis } from 'ioredis';
import type { Database } from './database.ts';
import type { ExpiryQueue } from './expiry-queue.ts';
import type { SeatCoreMetrics } from './metrics.ts';

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
}

/** What every verb works with. */
export interface Context {
  readonly database: Database;
  readonly redis: Redis;
  readonly expiryQueue: ExpiryQueue;
  readonly settings: SeatCoreSettings;
  readonly metrics: SeatCoreMetrics;
  readonly logger: SeatCoreLogger;
  /** Work that outlives the answer it belongs to; `dispose` waits for it. */
  readonly background: Set<Promise<unknown>>;
}
