import { SeatCoreError, type InputError } from './errors.ts';
import { parseInstant } from './instants.ts';
import { toName } from './names.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const visibleKey = /^[\x21-\x7e]{1,255}$/;
const visibleAscii = /^[\x21-\x7e]{1,128}$/;

/** Events lie between these, both in UTC. Every calendar, language and database writes such a year in four digits. */
const firstInstant = Date.UTC(1970, 0, 1);
const behindLastInstant = Date.UTC(9999, 0, 1);

/** An answer must not be larger than its request: the check ends with so many errors. */
const maxErrors = 20;

/** A value of unknown type: the caller may be JavaScript. */
type Members = Readonly<Record<string, unknown>>;

/**
 * Checks one input of a verb, types included, because a caller may be JavaScript. It collects up to
 * 20 errors, so that the caller gets them at once, and ends with the last of these. Each method returns a value of the right type also for a wrong input; `throwIfAny`
 * prevents its use.
 */
export class InputCheck {
  readonly #errors: InputError[] = [];

  /** @throws VALIDATION_FAILED when the input of a verb is no object */
  constructor(input: object) {
    this.members('', input);
    this.throwIfAny();
  }

  /** @throws VALIDATION_FAILED when it is one error too many to go on */
  error(pointer: string, detail: string): void {
    this.#errors.push({ pointer, detail });
    if (this.#errors.length >= maxErrors) this.throwIfAny();
  }

  members(pointer: string, value: unknown): Members {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
    this.error(pointer, 'must be an object');
    return {};
  }

  list(pointer: string, value: unknown): readonly unknown[] {
    if (Array.isArray(value)) return value;
    this.error(pointer, 'must be a list');
    return [];
  }

  callback(pointer: string, value: unknown): void {
    if (typeof value !== 'function') this.error(pointer, 'must be a function');
  }

  /** Ids are compared in lower case, as PostgreSQL shows them and as the keys in Redis carry them. */
  id(pointer: string, value: unknown): string {
    return this.#text(pointer, value, uuid, 'must be a UUID').toLowerCase();
  }

  /** Of a user, a request, or the program that acts. */
  userId(pointer: string, value: unknown): string {
    return this.#text(pointer, value, visibleAscii, 'must be 1 to 128 visible ASCII characters');
  }

  idempotencyKey(pointer: string, value: unknown): string {
    return this.#text(pointer, value, visibleKey, 'must be 1 to 255 visible ASCII characters');
  }

  integer(pointer: string, value: unknown, minimum: number, maximum: number): number {
    if (Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum)
      return value as number;
    this.error(pointer, `must be a whole number from ${minimum} to ${maximum}`);
    return minimum;
  }

  /** A name that people read. @returns in composed form */
  name(pointer: string, value: unknown, maxLength: number): string {
    const name = typeof value === 'string' ? toName(value, maxLength) : undefined;
    if (name !== undefined) return name;
    this.error(
      pointer,
      `must be 1 to ${maxLength} characters that can all be seen, without white space at its ends`,
    );
    return '';
  }

  /** A Date, or an ISO text with its offset from UTC. */
  instant(pointer: string, value: unknown): Date {
    const date = typeof value === 'string' ? parseInstant(value) : value;
    if (!(date instanceof Date) || Number.isNaN(date.getTime())) {
      this.error(pointer, 'must be a date and time with its offset from UTC');
      return new Date(0);
    }
    if (date.getTime() < firstInstant || date.getTime() >= behindLastInstant)
      this.error(pointer, 'must lie in the years 1970 to 9998 of UTC');
    return date;
  }

  /** @throws VALIDATION_FAILED */
  throwIfAny(): void {
    const [first] = this.#errors;
    if (first === undefined) return;
    throw new SeatCoreError('VALIDATION_FAILED', `${first.pointer} ${first.detail}`, {
      errors: this.#errors,
    });
  }

  #text(pointer: string, value: unknown, form: RegExp, rule: string): string {
    if (typeof value === 'string' && form.test(value)) return value;
    this.error(pointer, rule);
    return '';
  }
}
