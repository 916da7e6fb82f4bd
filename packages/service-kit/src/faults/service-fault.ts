import type { Sentence, ServiceFaultCode } from './faults.ts';

/** One fault of one input value, not yet told in a language. */
export interface UnspokenFault {
  readonly pointer: string;
  readonly sentence: Sentence;
}

/** A fault that the service itself finds; seat-core has its own. `errors` belong to VALIDATION_FAILED. */
export class ServiceFault extends Error {
  override readonly name = 'ServiceFault';
  readonly code: ServiceFaultCode | 'VALIDATION_FAILED';
  readonly errors: readonly UnspokenFault[];

  constructor(code: ServiceFaultCode | 'VALIDATION_FAILED', errors: readonly UnspokenFault[] = []) {
    super(code);
    this.code = code;
    this.errors = errors;
  }
}
