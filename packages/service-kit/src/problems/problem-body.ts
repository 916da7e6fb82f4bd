import { Type } from '@sinclair/typebox';
import { problems, type Language, type ProblemCode } from './problem-table.ts';

/** The body of every problem (RFC 9457), for the response schemas of routes and for tests. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: 'A stable URI of the kind of problem.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'For the buyer, in English or Indonesian.' }),
    code: Type.String({ description: 'For programs; never changes.' }),
    retryable: Type.Boolean({ description: 'Whether the same request may succeed when sent again.' }),
    requestId: Type.String(),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }), {
        description: 'VALIDATION_FAILED: where, as JSON Pointers (RFC 6901), and why.',
      }),
    ),
    seatIds: Type.Optional(Type.Array(Type.String(), { description: 'SEAT_TAKEN: the seats in the way.' })),
    outcome: Type.Optional(
      Type.String({
        description:
          'unknown: the request may have taken effect; sent again with its Idempotency-Key it tells the outcome.',
      }),
    ),
    opensAt: Type.Optional(Type.String({ description: 'SALES_NOT_OPEN: when the sales open, ISO 8601.' })),
    bookingStatus: Type.Optional(
      Type.String({ description: 'BOOKING_NOT_PENDING: the status of the booking.' }),
    ),
  },
  { title: 'Problem' },
);

/** The answers that any route may give beside its own. */
export const problemAnswers = { '4xx': problemSchema, '5xx': problemSchema };

/** The members of a problem beyond those of every problem. */
export interface ProblemDetails {
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly seatIds?: readonly string[];
  readonly opensAt?: Date;
  /** Sent as `Retry-After`. */
  readonly opensInSeconds?: number;
  readonly outcome?: string;
  readonly bookingStatus?: string;
}

/** `{"type":…,"retryable":…`, to which the members of one request are added. */
function beginningOf(code: ProblemCode, language: Language, status: number, retryable: boolean): string {
  const { title, detail } = problems[code];
  const type = `urn:ticketing:fault:${code.toLowerCase().replaceAll('_', '-')}`;
  const members = { type, title, status, detail: detail[language], code, retryable };
  return JSON.stringify(members).slice(0, -1);
}

/** The beginning of each problem with its usual status, serialized once. */
const beginnings = Object.fromEntries(
  (Object.keys(problems) as ProblemCode[]).map((code) => {
    const { status, retryable } = problems[code];
    const inLanguage = (language: Language) => beginningOf(code, language, status, retryable);
    return [code, { en: inLanguage('en'), id: inLanguage('id') }];
  }),
) as Readonly<Record<ProblemCode, Readonly<Record<Language, string>>>>;

/**
 * Renders an `application/problem+json` answer (RFC 9457).
 *
 * @param context.status for bytes that never became a request (408, 431); otherwise the status of the code
 */
export function renderProblem(
  code: ProblemCode,
  details: ProblemDetails,
  context: { readonly requestId: string; readonly language: Language; readonly status?: number },
): { status: number; headers: Record<string, string>; body: string } {
  const { requestId, language, status = problems[code].status } = context;
  const { retryable, retryAfterSeconds = details.opensInSeconds } = problems[code];
  // With its key, a request whose outcome is unknown has its effect once.
  const isRetryable = retryable || details.outcome === 'unknown';
  const isUsual = status === problems[code].status && isRetryable === retryable;
  const beginning = isUsual ? beginnings[code][language] : beginningOf(code, language, status, isRetryable);
  const members = {
    requestId,
    ...(code === 'VALIDATION_FAILED' && {
      errors: details.errors ?? [{ pointer: '', detail: problems[code].detail[language] }],
    }),
    ...(code === 'SEAT_TAKEN' && { seatIds: details.seatIds ?? [] }),
    ...(details.outcome !== undefined && { outcome: details.outcome }),
    ...(details.opensAt !== undefined && { opensAt: details.opensAt.toISOString() }),
    ...(code === 'BOOKING_NOT_PENDING' && { bookingStatus: details.bookingStatus }),
  };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'content-language': language,
      'cache-control': 'no-store',
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    },
    body: `${beginning},${JSON.stringify(members).slice(1)}`,
  };
}
