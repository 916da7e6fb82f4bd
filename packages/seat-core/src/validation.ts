import { SeatCoreError, type InputError } from './errors.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const unprintable = /[\p{Cc}\p{Cs}]/u;
const visibleKey = /^[\x21-\x7e]{1,255}$/;
const visibleAscii = /^[\x21-\x7e]{1,128}$/;

/**
 * Collects the errors of one input, so that the caller gets all of them at once. Each method returns a value of the
 * right type also for a wrong input; `throwIfAny` prevents its use.
 */
export class InputCheck {
  readonly #errors: InputError[] = [];

  error(pointer: string, detail: string): void {
    this.#errors.push({ pointer, detail });
  }

  /** Ids are compared in lower case, as PostgreSQL shows them and as the keys in Redis carry them. */
  id(pointer: string, value: string): string {
    if (!uuid.test(value)) this.error(pointer, 'must be a UUID');
    return value.toLowerCase();
  }

  userId(pointer: string, value: string): string {
    if (!visibleAscii.test(value)) this.error(pointer, 'must be 1 to 128 visible ASCII characters');
    return value;
  }

  idempotencyKey(pointer: string, value: string): string {
    if (!visibleKey.test(value)) this.error(pointer, 'must be 1 to 255 visible ASCII characters');
    return value;
  }

  integer(pointer: string, value: number, minimum: number, maximum: number): number {
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      this.error(pointer, `must be a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  }

  /** A name that people read: no control characters, no unpaired surrogates, nothing to trim. */
  label(pointer: string, value: string, maxLength: number): string {
    if (value.length < 1 || value.length > maxLength || unprintable.test(value) || value.trim() !== value) {
      this.error(pointer, `must be 1 to ${maxLength} printable characters without outer white space`);
    }
    return value;
  }

  /** @throws VALIDATION_FAILED */
  throwIfAny(): void {
    const [first] = this.#errors;
    if (first === undefined) return;
    throw new SeatCoreError('VALIDATION_FAILED', `${first.pointer} ${first.detail}`, {
      errors: this.#errors,
    });
  }
}
