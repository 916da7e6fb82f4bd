import type { SeatErrorDetails } from '@ticketing/seat-core/errors';
import { faultOf, type FaultCode, type Language } from './faults.ts';

export interface RenderedProblem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes, so that no serializer drops extension members and no charset is added to the media type. */
  readonly body: Buffer;
}

/** Where a fault happened and in which language it is told. */
export interface ProblemContext {
  readonly requestId: string;
  readonly language: Language;
  /** For requests that broke before they were one (408, 431); otherwise the status of the code. */
  readonly status?: number;
}

/** Turns a fault into an `application/problem+json` answer (RFC 9457). */
export function renderProblem(
  code: FaultCode,
  details: SeatErrorDetails,
  { requestId, language, status: givenStatus }: ProblemContext,
): RenderedProblem {
  const fault = faultOf(code);
  const status = givenStatus ?? fault.status;
  const detail = fault.detail[language];
  const problem = {
    type: `urn:ticketing:fault:${code.toLowerCase().replaceAll('_', '-')}`,
    title: fault.title,
    status,
    detail,
    code,
    retryable: fault.retryable,
    requestId,
    ...(code === 'VALIDATION_FAILED' && { errors: details.errors ?? [{ pointer: '', detail }] }),
    ...(code === 'SEAT_TAKEN' && { seatIds: details.seatIds ?? [] }),
    ...(details.outcome !== undefined && { outcome: details.outcome }),
    ...(code === 'BOOKING_NOT_PENDING' && { bookingStatus: details.bookingStatus }),
  };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'content-language': language,
      'cache-control': 'no-store',
      ...(fault.retryAfterSeconds !== undefined && { 'retry-after': String(fault.retryAfterSeconds) }),
    },
    body: Buffer.from(JSON.stringify(problem)),
  };
}
