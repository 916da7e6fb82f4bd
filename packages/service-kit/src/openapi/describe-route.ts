import type { TSchema } from '@sinclair/typebox';
import type { FastifyContextConfig, FastifySchema } from 'fastify';
import { problemSchema, renderProblem, type ProblemDetails } from '../problems/problem-body.ts';
import { problems, type ProblemCode } from '../problems/problem-table.ts';

/**
 * The same schema with notes for the readers of the OpenAPI document.
 *
 * @param notes.headers descriptions by header name, in lower case
 */
export function described<Schema extends TSchema>(
  schema: Schema,
  notes: { description: string; example?: unknown; headers?: Readonly<Record<string, string>> },
): Schema {
  const { description, example, headers } = notes;
  const headerSchemas = Object.entries(headers ?? {}).map(([name, text]) => [
    name,
    { type: 'string', description: text },
  ]);
  return {
    ...schema,
    description,
    ...(example === undefined ? {} : { examples: [example] }),
    ...(headers === undefined ? {} : { headers: Object.fromEntries(headerSchemas) as object }),
  };
}

export interface DescribedRoute {
  readonly url: string;
  readonly method: string;
  readonly schema: FastifySchema & { readonly response?: Readonly<Record<string, unknown>>; hide?: boolean };
  readonly config: FastifyContextConfig;
}

const idempotencyKey = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description:
    'A request that is sent again with the same key has its effect once; visible ASCII characters.',
};

/**
 * Completes the schema of a route: its authentication, the header Idempotency-Key, and every problem that it can answer,
 * each under its own status and with an example, in place of "any 4xx".
 */
export function describeRoute(route: DescribedRoute): FastifySchema {
  const { url, method, schema, config } = route;
  if (url.startsWith('/docs') || method === 'HEAD') return { ...schema, hide: true };
  const response: Record<string, unknown> = {};
  for (const [status, answer] of Object.entries(schema.response ?? {})) {
    if (!/^\dxx$/i.test(status)) response[status] = answer;
  }
  const isPublic = config.access === 'public';
  const isWriting = method === 'POST' || method === 'DELETE';
  return {
    ...schema,
    response: { ...response, ...describeProblems(problemsOf(route)) },
    ...(isWriting ? { headers: { type: 'object', properties: { 'Idempotency-Key': idempotencyKey } } } : {}),
    ...describeRole(route),
    security: isPublic ? [] : [{ bearer: [] }, {}],
    operationId: operationIdOf(route),
    tags: [url.startsWith('/api/') ? (url.split('/')[3] ?? '') : 'operation'],
  };
}

function describeRole({ schema, config: { access } }: DescribedRoute): { description?: string } {
  if (access === undefined || access === 'public') return {};
  const roles = access === 'admin' ? '`admin`' : `\`${access}\` or \`admin\``;
  const sentence = `While authentication is on, the token must have the role ${roles}.`;
  return { description: [schema.description, sentence].filter((part) => part !== undefined).join(' ') };
}

/** In the order of their statuses. */
function problemsOf({ url, method, config }: DescribedRoute): ProblemCode[] {
  if (!url.startsWith('/api/')) return ['INTERNAL'];
  const isPublic = config.access === 'public';
  const isWriting = method === 'POST' || method === 'DELETE';
  return [
    'VALIDATION_FAILED',
    ...(isPublic ? [] : (['UNAUTHENTICATED'] as const)),
    ...(isPublic || config.access === undefined ? [] : (['FORBIDDEN'] as const)),
    ...(config.problems ?? []),
    ...(isWriting
      ? ([
          'IDEMPOTENCY_KEY_IN_PROGRESS',
          'IDEMPOTENCY_KEY_REUSED',
          'PAYLOAD_TOO_LARGE',
          'UNSUPPORTED_MEDIA_TYPE',
          'RATE_LIMITED',
        ] as const)
      : []),
    'OVERLOADED',
    'DEPENDENCY_UNAVAILABLE',
    'INTERNAL',
  ];
}

/** `GET /api/v1/events/:eventId/seats` is `getEventsSeats`: stable, for generated clients. */
function operationIdOf({ url, method }: DescribedRoute): string {
  const words = url
    .split('/')
    .filter((part) => part !== '' && part !== 'api' && part !== 'v1')
    .map((part) => (part.startsWith(':') ? `by-${part.slice(1)}` : part));
  return [method.toLowerCase(), ...words]
    .join('-')
    .replace(/-([a-z])/gi, (_, letter: string) => letter.toUpperCase());
}

const exampleSeatId = '01a2082d-7486-721a-9bc4-ee6c8ca29bc6';
const exampleRequestId = '01a2082e-192c-74b4-a764-b78fdd28852a';

/** The members of the examples beyond those of every problem. */
const exampleDetails: Partial<Record<ProblemCode, ProblemDetails>> = {
  VALIDATION_FAILED: { errors: [{ pointer: '/seatId', detail: 'must be a UUID' }] },
  SEAT_TAKEN: { seatIds: [exampleSeatId] },
  BOOKING_NOT_PENDING: { bookingStatus: 'CANCELLED' },
};

/** The answers of these problems by status: which codes it can carry, when, and an example of each. */
export function describeProblems(codes: readonly ProblemCode[]): Record<string, object> {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set(codes)) {
    const { status } = problems[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [String(status), describeStatus(ofStatus)]),
  );
}

function describeStatus(codes: readonly ProblemCode[]): object {
  const isRetried = codes.some(
    (code) => code === 'RATE_LIMITED' || problems[code].retryAfterSeconds !== undefined,
  );
  const isLanguage = { type: 'string', enum: ['en', 'id'], description: 'The language of `detail`.' };
  return {
    description: codes.map((code) => `\`${code}\`: ${problems[code].when}.`).join('\n\n'),
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

function exampleOf(code: ProblemCode): unknown {
  const context = { requestId: exampleRequestId, language: 'en' } as const;
  return JSON.parse(renderProblem(code, exampleDetails[code] ?? {}, context).body);
}
