import type { FastifyBaseLogger } from 'fastify';
import { liveAnswer, readyAnswer, unreadyAnswer } from './health-answers.ts';
import type { HttpService } from './http-service.ts';

/** A part that the service cannot work without. */
export interface ReadinessCheck {
  /** As it appears in the answer: `postgresql`. */
  readonly name: string;
  /** Rejects while the part is away. What it rejects with is logged, never answered. */
  readonly check: () => Promise<unknown>;
}

/** A part that is not well and that the service can do without. */
export interface FaultyPart {
  readonly name: string;
  readonly status: string;
  /** A sentence for an operator; it is answered, so it says no address and no secret. */
  readonly detail: string;
}

export interface HealthOptions {
  readonly readiness: readonly ReadinessCheck[];
  readonly faultyParts: () => readonly FaultyPart[];
  readonly isStopping: () => boolean;
  readonly logger: FastifyBaseLogger;
}

/** The bound of one check: whoever asks has little patience. */
const checkMs = 500;
/** A check still unanswered after this long is given up and asked anew. */
const staleMs = 5_000;

/** Adds `GET /health/live` (the process runs; touches nothing) and `GET /health/ready`. */
export function addHealthRoutes(
  app: HttpService,
  { readiness, faultyParts, isStopping, logger }: HealthOptions,
): void {
  const probes = readiness.map((part) => createProbe(part, logger));

  const liveSchema = { summary: 'Whether the process runs', response: { 200: liveAnswer } };
  app.get('/health/live', { schema: liveSchema, config: { access: 'public' } }, async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'live' }),
  );

  const readySchema = {
    summary: 'Whether the service can be sent requests',
    response: { 200: readyAnswer, 503: unreadyAnswer },
  };
  app.get('/health/ready', { schema: readySchema, config: { access: 'public' } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    if (isStopping()) return reply.code(503).send({ status: 'stopping' });
    const missing = (await Promise.all(probes.map((probe) => probe()))).filter((part) => part !== undefined);
    if (missing.length > 0) return reply.code(503).send({ status: 'unavailable', parts: missing });
    const parts = faultyParts();
    return reply.send(parts.length > 0 ? { status: 'degraded', parts: [...parts] } : { status: 'ready' });
  });
}

/** One check at a time, however many ask: probes must not use up the pool that they look at. */
function createProbe({ name, check }: ReadinessCheck, logger: FastifyBaseLogger) {
  let current: { readonly outcome: Promise<FaultyPart | undefined>; readonly startedAt: number } | undefined;
  let wasDown = false;

  const ask = async (): Promise<FaultyPart | undefined> => {
    try {
      await check();
      if (wasDown) logger.info({ part: name }, 'part is back');
      wasDown = false;
      return undefined;
    } catch (err) {
      // Once per outage, not once per probe.
      if (!wasDown) logger.warn({ err, part: name }, 'part is down');
      wasDown = true;
      return { name, status: 'down', detail: 'cannot be used' };
    } finally {
      current = undefined;
    }
  };

  return async (): Promise<FaultyPart | undefined> => {
    if (current === undefined || performance.now() - current.startedAt > staleMs) {
      current = { outcome: ask(), startedAt: performance.now() };
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<FaultyPart>((resolve) => {
      const detail = `did not answer within ${checkMs} ms`;
      timer = setTimeout(() => resolve({ name, status: 'down', detail }), checkMs);
    });
    try {
      return await Promise.race([current.outcome, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
