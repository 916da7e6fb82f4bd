import { InputCheck } from './validation.ts';

/** What seat-core writes its log through. pino fits, and so does any object of the same shape. */
export interface SeatCoreLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The rules of a sale that an operator sets. */
export interface SeatCoreSettings {
  /** Seconds for which a PENDING booking holds its seats, 0.001–3600. */
  readonly holdSeconds: number;
  /** Lifetime of a seat lock in whole seconds, 3–60. */
  readonly seatLockSeconds: number;
  /** Seats of one booking, 1–100, and not more than `maxHeldSeatsPerUser`. */
  readonly maxSeatsPerBooking: number;
  /** Seats of one event that a user holds (PENDING, not overdue) at a time, 1–1,000. */
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

/**
 * The settings with their defaults, each checked, and all of them together.
 *
 * @throws VALIDATION_FAILED
 */
export function settingsFrom(options: Partial<SeatCoreSettings>): SeatCoreSettings {
  const check = new InputCheck(options);
  const { holdSeconds = defaultSettings.holdSeconds } = options;
  if (typeof holdSeconds !== 'number' || !(holdSeconds >= 0.001 && holdSeconds <= 3_600))
    check.error('/holdSeconds', 'must be a number of seconds from 0.001 to 3600');
  const integer = (name: Exclude<keyof SeatCoreSettings, 'holdSeconds'>, minimum: number, maximum: number) =>
    check.integer(`/${name}`, options[name] ?? defaultSettings[name], minimum, maximum);
  const settings = {
    holdSeconds,
    seatLockSeconds: integer('seatLockSeconds', 3, 60),
    maxSeatsPerBooking: integer('maxSeatsPerBooking', 1, 100),
    maxHeldSeatsPerUser: integer('maxHeldSeatsPerUser', 1, 1_000),
  };
  check.throwIfAny();
  // A group that holds nothing would be told to give seats back.
  if (settings.maxSeatsPerBooking > settings.maxHeldSeatsPerUser) {
    check.error(
      '/maxSeatsPerBooking',
      `must not be more than maxHeldSeatsPerUser (${settings.maxHeldSeatsPerUser}), is ${settings.maxSeatsPerBooking}`,
    );
  }
  check.throwIfAny();
  return settings;
}

export const silentLogger: SeatCoreLogger = { debug() {}, info() {}, warn() {}, error() {} };
