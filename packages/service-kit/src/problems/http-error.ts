import type { Sentence, ServiceCode } from './problem-table.ts';

/** What is wrong with one value of a request. */
export interface InputProblem {
  /** JSON Pointer (RFC 6901) into the body, the query or the path values; `''` is all of it. */
  readonly pointer: string;
  readonly sentence: Sentence;
}

/** The codes that HTTP code may throw: its own, and three that it shares with seat-core. */
export type HttpErrorCode = ServiceCode | 'VALIDATION_FAILED' | 'OVERLOADED' | 'DEPENDENCY_UNAVAILABLE';

/** The error that HTTP code throws; seat-core throws `SeatCoreError`. Both become problems. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly code: HttpErrorCode;
  readonly errors: readonly InputProblem[];

  /** @param errors for VALIDATION_FAILED: where the request is wrong, and why */
  constructor(code: HttpErrorCode, errors: readonly InputProblem[] = [], options?: ErrorOptions) {
    super(code, options);
    this.code = code;
    this.errors = errors;
  }
}
