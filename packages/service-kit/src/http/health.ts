import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import type { FastifyBaseLogger } from 'fastify';
import { described } from '../openapi/describe-route.ts';
import { namedPlugin } from './http-service.ts';

/** A dependency that the service cannot work without. */
export interface ReadinessCheck {
  /** As it appears in the answer: `postgresql`. */
  readonly name: string;
  /** Rejects while the dependency does not answer. The reason is logged, never answered. */
  readonly check: () => Promise<unknown>;
}

/** A dependency that does not work, and that the service can do without. */
export interface DegradedDependency {
  readonly name: string;
  readonly status: string;
  /** A sentence for an operator; it is answered, so it holds no address and no secret. */
  readonly detail: string;
}

interface HealthOptions {
  readonly readiness: readonly ReadinessCheck[];
  readonly degradedDependencies: () => readonly DegradedDependency[];
  readonly logger: FastifyBaseLogger;
}

/** The bound of one check: a probe times out soon. */
const checkMs = 500;
/** A check that is still unanswered after this long is given up and started again. */
const staleMs = 5_000;

const parts = Type.Optional(
  Type.Array(
    Type.Object({
      name: Type.String(),
      status: Type.String(),
      detail: Type.String({ description: 'A sentence for an operator.' }),
    }),
  ),
);

const liveSchema = {
  summary: 'Whether the process runs',
  response: {
    200: described(Type.Object({ status: Type.Literal('live') }), {
      description: 'The process runs.',
      example: { status: 'live' },
    }),
  },
};

const readySchema = {
  summary: 'Whether the service can be sent requests',
  response: {
    200: described(
      Type.Object({ status: Type.Union([Type.Literal('ready'), Type.Literal('degraded')]), parts }),
      {
        description: 'It serves: with all its dependencies, or without the `parts` that do not work.',
        example: { status: 'ready' },
      },
    ),
    503: described(
      Type.Object({ status: Type.Union([Type.Literal('unavailable'), Type.Literal('stopping')]), parts }),
      {
        description: 'It does not serve: PostgreSQL does not answer, or the process is stopping.',
        example: { status: 'stopping' },
      },
    ),
  },
};

/** Adds `GET /health/live` (the process runs; no I/O) and `GET /health/ready`. */
export const health = namedPlugin<HealthOptions>(
  { name: 'health', after: ['request-context', 'cors', 'connection-closing'] },
  (app, { readiness, degradedDependencies, logger }) => {
    const probes = readiness.map((dependency) => createProbe(dependency, logger));
    const config = { access: 'public' } as const;

    app.get('/health/live', { schema: liveSchema, config }, async (_request, reply) =>
      reply.header('cache-control', 'no-store').send({ status: 'live' }),
    );

    app.get('/health/ready', { schema: readySchema, config }, async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      if (app.isStopping()) return reply.code(503).send({ status: 'stopping' });
      const missing = (await Promise.all(probes.map((probe) => probe()))).filter(
        (part) => part !== undefined,
      );
      if (missing.length > 0) return reply.code(503).send({ status: 'unavailable', parts: missing });
      const degraded = [...degradedDependencies()];
      return reply.send(degraded.length > 0 ? { status: 'degraded', parts: degraded } : { status: 'ready' });
    });
  },
);

/** One check at a time, however many probes ask: probes must not use up the pool that they check. */
function createProbe({ name, check }: ReadinessCheck, logger: FastifyBaseLogger) {
  let current:
    { readonly outcome: Promise<DegradedDependency | undefined>; readonly startedAt: number } | undefined;
  let wasDown = false;

  const ask = async (): Promise<DegradedDependency | undefined> => {
    try {
      await check();
      if (wasDown) logger.info({ dependency: name }, 'dependency recovered');
      wasDown = false;
      return undefined;
    } catch (err) {
      // Once per outage, not once per probe.
      if (!wasDown) logger.warn({ err, dependency: name }, 'dependency down');
      wasDown = true;
      return { name, status: 'down', detail: 'cannot be used' };
    } finally {
      current = undefined;
    }
  };

  const late = { name, status: 'down', detail: `did not answer within ${checkMs} ms` };
  return (): Promise<DegradedDependency | undefined> => {
    if (current === undefined || performance.now() - current.startedAt > staleMs) {
      current = { outcome: ask(), startedAt: performance.now() };
    }
    return Promise.race([current.outcome, sleep(checkMs, late, { ref: false })]);
  };
}
