import type { SeatErrorDetails } from '@ticketing/seat-core/errors';
import type { FaultCode } from './faults.ts';

/** A fault that the service itself finds. `message` is for logs, never for a buyer. */
export class ServiceFault extends Error {
  override readonly name = 'ServiceFault';
  readonly code: FaultCode;
  readonly details: SeatErrorDetails;

  constructor(code: FaultCode, details: SeatErrorDetails = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}
