/** What seat-core writes its log through. pino fits, and so does any object of the same shape. */
export interface SeatCoreLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The rules of a sale that an operator sets. */
export interface SeatCoreSettings {
  /** Seconds for which a PENDING booking holds its seats, 1–3600. */
  readonly holdSeconds: number;
  /** Lifetime of a seat lock in seconds, 3–60. */
  readonly seatLockSeconds: number;
  /** Seats of one booking. */
  readonly maxSeatsPerBooking: number;
  /** Seats of one event that a user holds (PENDING, not overdue) at a time. */
  readonly maxHeldSeatsPerUser: number;
}

/** The one place where a default stands; the services show these values as the defaults of their variables. */
export const defaultSettings: SeatCoreSettings = {
  holdSeconds: 120,
  seatLockSeconds: 5,
  maxSeatsPerBooking: 10,
  maxHeldSeatsPerUser: 20,
};

export const defaultPoolMax = 10;

export function settingsFrom(options: Partial<SeatCoreSettings>): SeatCoreSettings {
  return {
    holdSeconds: options.holdSeconds ?? defaultSettings.holdSeconds,
    seatLockSeconds: options.seatLockSeconds ?? defaultSettings.seatLockSeconds,
    maxSeatsPerBooking: options.maxSeatsPerBooking ?? defaultSettings.maxSeatsPerBooking,
    maxHeldSeatsPerUser: options.maxHeldSeatsPerUser ?? defaultSettings.maxHeldSeatsPerUser,
  };
}

export const silentLogger: SeatCoreLogger = { debug() {}, info() {}, warn() {}, error() {} };
