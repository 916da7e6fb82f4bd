import type { Logger } from 'pino';

/** The verbs of seat-core that the check needs. */
export interface StartedEngine {
  readonly readConnectionLimits: () => Promise<{ readonly limit: number; readonly inUse: number }>;
  readonly listEvents: (input: { readonly limit: number }) => Promise<unknown>;
}

/** An installation has at least one process of each: booking-api, payment-api, expiry-worker. */
const services = 3;

/**
 * Checks, before a service serves, two causes of a later failure under load: that the database is migrated, and that it
 * grants the connections of one process of each service. Connections that other processes hold now are only a warning:
 * they may belong to the process that this one replaces.
 *
 * @param options.poolMax DATABASE_POOL_MAX
 * @throws Error whose one sentence says what to do
 */
export async function assertDatabaseFits(options: {
  readonly engine: StartedEngine;
  readonly poolMax: number;
  readonly logger: Logger;
}): Promise<void> {
  const { engine, poolMax, logger } = options;
  await engine.listEvents({ limit: 1 }).catch((cause: unknown) => {
    throw new Error('the tables cannot be read; run "npm run db:migrate"', { cause });
  });
  const { limit, inUse } = await engine.readConnectionLimits();
  if (services * poolMax > limit) {
    throw new Error(
      `${services} services with DATABASE_POOL_MAX=${poolMax} need ${services * poolMax} connections, PostgreSQL grants ${limit}; lower DATABASE_POOL_MAX or raise max_connections`,
    );
  }
  if (inUse + poolMax > limit) {
    logger.warn({ limit, inUse, poolMax }, 'PostgreSQL may run out of connections');
  }
}
