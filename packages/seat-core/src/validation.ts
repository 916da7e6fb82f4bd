import { SeatCoreError, type InputFault } from './errors.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const unprintable = /[\p{Cc}\p{Cs}]/u;
const visibleKey = /^[\x21-\x7e]{1,255}$/;
const visibleAscii = /^[\x21-\x7e]{1,128}$/;

/**
 * Collects the faults of one input, so that the caller hears of all of them at once. Each reader returns a
 * value of the right type also for a wrong input; `throwIfAny` keeps it from being used.
 */
export class InputCheck {
  readonly #faults: InputFault[] = [];

  fault(pointer: string, detail: string): void {
    this.#faults.push({ pointer, detail });
  }

  /** Ids are compared in lower case, as PostgreSQL shows them and as the keys in Redis carry them. */
  id(pointer: string, value: string): string {
    if (!uuid.test(value)) this.fault(pointer, 'must be a UUID');
    return value.toLowerCase();
  }

  userId(pointer: string, value: string): string {
    if (!visibleAscii.test(value)) this.fault(pointer, 'must be 1 to 128 visible ASCII characters');
    return value;
  }

  idempotencyKey(pointer: string, value: string): string {
    if (!visibleKey.test(value)) this.fault(pointer, 'must be 1 to 255 visible ASCII characters');
    return value;
  }

  integer(pointer: string, value: number, minimum: number, maximum: number): number {
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      this.fault(pointer, `must be a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  }

  /** A name that people read: no control characters, no half characters, nothing to trim. */
  label(pointer: string, value: string, maxLength: number): string {
    if (value.length < 1 || value.length > maxLength || unprintable.test(value) || value.trim() !== value) {
      this.fault(pointer, `must be 1 to ${maxLength} printable characters without outer white space`);
    }
    return value;
  }

  throwIfAny(): void {
    const [first] = this.#faults;
    if (first === undefined) return;
    throw new SeatCoreError('VALIDATION_FAILED', `${first.pointer} ${first.detail}`, {
      errors: this.#faults,
    });
  }
}
