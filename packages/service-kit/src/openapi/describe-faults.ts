import type { SeatErrorDetails } from '@ticketing/seat-core/errors';
import { faultOf, type FaultCode } from '../faults/faults.ts';
import { problemSchema } from '../faults/problem-schema.ts';
import { renderProblem } from '../faults/render-problem.ts';

const exampleSeatId = '01a2082d-7486-721a-9bc4-ee6c8ca29bc6';
const exampleRequestId = '01a2082e-192c-74b4-a764-b78fdd28852a';

/** What the examples say beside what all faults say. */
const exampleDetails: Partial<Record<FaultCode, SeatErrorDetails>> = {
  VALIDATION_FAILED: { errors: [{ pointer: '/seatId', detail: 'must be a UUID' }] },
  SEAT_TAKEN: { seatIds: [exampleSeatId] },
  BOOKING_NOT_PENDING: { bookingStatus: 'CANCELLED' },
};

/** The answers of these faults by status: which codes it can carry, when, and an example of each. */
export function describeFaults(codes: readonly FaultCode[]): Record<string, object> {
  const byStatus = new Map<number, FaultCode[]>();
  for (const code of new Set(codes)) {
    const { status } = faultOf(code);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [String(status), describeStatus(ofStatus)]),
  );
}

function describeStatus(codes: readonly FaultCode[]): object {
  const isRetried = codes.some(
    (code) => code === 'RATE_LIMITED' || faultOf(code).retryAfterSeconds !== undefined,
  );
  const isLanguage = { type: 'string', enum: ['en', 'id'], description: 'The language of `detail`.' };
  return {
    description: codes.map((code) => `\`${code}\`: ${faultOf(code).when}.`).join('\n\n'),
    headers: {
      'content-language': isLanguage,
      ...(isRetried
        ? { 'retry-after': { type: 'integer', description: 'Seconds to wait before the next attempt.' } }
        : {}),
      ...(codes.includes('UNAUTHENTICATED') ? { 'www-authenticate': { type: 'string' } } : {}),
    },
    content: {
      'application/problem+json': {
        schema: problemSchema,
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
      },
    },
  };
}

function exampleOf(code: FaultCode): unknown {
  const context = { requestId: exampleRequestId, language: 'en' } as const;
  return JSON.parse(renderProblem(code, exampleDetails[code] ?? {}, context).body.toString());
}
