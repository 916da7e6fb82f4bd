import type { Logger } from 'pino';

/** What seat-core's verbs tell about the database, handed in. */
interface StartedEngine {
  readonly readConnectionLimits: () => Promise<{ readonly limit: number; readonly inUse: number }>;
  readonly listEvents: (input: { readonly limit: number }) => Promise<unknown>;
}

export interface DatabaseFitOptions {
  readonly engine: StartedEngine;
  /** DATABASE_POOL_MAX */
  readonly poolMax: number;
  readonly logger: Logger;
}

/** An installation has at least one process of each: booking-api, payment-api, expiry-worker. */
const services = 3;

/**
 * Asks the database, before a service serves, for what would fail later and under load: that it is migrated,
 * and that it grants the connections of one process of each service. What others have open now is warned of only:
 * it may be the process that this one replaces.
 *
 * @throws Error that says in one sentence what to do
 */
export async function assertDatabaseFits({ engine, poolMax, logger }: DatabaseFitOptions): Promise<void> {
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
