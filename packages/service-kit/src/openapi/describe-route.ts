import type { FastifyContextConfig, FastifySchema } from 'fastify';
import type { FaultCode } from '../faults/faults.ts';
import { describeFaults } from './describe-faults.ts';

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
  description: 'Makes a request that is sent again have its effect once; visible ASCII characters.',
};

/**
 * What is true of a route beyond what it says itself: who may use it, which header it takes, and every fault that it
 * can answer, each under its own status and with an example, in place of "any 4xx".
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
    response: { ...response, ...describeFaults(faultsOf(route)) },
    ...(isWriting ? { headers: { type: 'object', properties: { 'Idempotency-Key': idempotencyKey } } } : {}),
    security: isPublic ? [] : [{ bearer: [] }, {}],
    operationId: operationIdOf(route),
    tags: [url.startsWith('/api/') ? (url.split('/')[3] ?? '') : 'operation'],
  };
}

/** In the order of their statuses. */
function faultsOf({ url, method, schema, config }: DescribedRoute): FaultCode[] {
  if (!url.startsWith('/api/')) return ['INTERNAL'];
  const isPublic = config.access === 'public';
  const isWriting = method === 'POST' || method === 'DELETE';
  return [
    'VALIDATION_FAILED',
    ...(isPublic ? [] : (['UNAUTHENTICATED'] as const)),
    ...(isPublic || config.access === undefined ? [] : (['FORBIDDEN'] as const)),
    ...(config.faults ?? []),
    ...(isWriting
      ? ([
          'IDEMPOTENCY_KEY_IN_PROGRESS',
          'IDEMPOTENCY_KEY_REUSED',
          'PAYLOAD_TOO_LARGE',
          'RATE_LIMITED',
        ] as const)
      : []),
    ...(schema.body === undefined ? [] : (['UNSUPPORTED_MEDIA_TYPE'] as const)),
    'OVERLOADED',
    'DEPENDENCY_UNAVAILABLE',
    'INTERNAL',
  ];
}

/** `GET /api/v1/events/:eventId/seats` is `getEventsSeats`: stable, for those who generate clients. */
function operationIdOf({ url, method }: DescribedRoute): string {
  const words = url
    .split('/')
    .filter((part) => part !== '' && part !== 'api' && part !== 'v1')
    .map((part) => (part.startsWith(':') ? `by-${part.slice(1)}` : part));
  return [method.toLowerCase(), ...words]
    .join('-')
    .replace(/-([a-z])/gi, (_, letter: string) => letter.toUpperCase());
}
