import { openSeatCore, startExpiryWorker } from '@ticketing/seat-core';
import { startAudit } from '@ticketing/seat-core/admin';
import { assertInstallation, runService } from '@ticketing/service-kit';
import { createApp } from './app.ts';
import { configSchema } from './config-schema.ts';

const name = 'expiry-worker';

await runService({
  name,
  configSchema,
  start: async ({ config, logger, registry, stopping }) => {
    const redisKeyPrefix = config.REDIS_KEY_PREFIX;
    const core = await openSeatCore({
      databaseUrl: config.DATABASE_URL,
      redisUrl: config.REDIS_URL,
      redisKeyPrefix,
      // The worker watches the queue.
      queueRedisUrl: null,
      databasePoolMax: config.DATABASE_POOL_MAX,
      applicationName: name,
      logger,
      registry,
    });
    await assertInstallation([() => core.checkInstallation()], logger);
    const worker = await startExpiryWorker(core, {
      redisUrl: config.QUEUE_REDIS_URL ?? config.REDIS_URL,
      redisKeyPrefix,
      logger,
      registry,
    });
    await assertInstallation([() => worker.checkInstallation()], logger);
    const audit = startAudit({ databaseUrl: config.DATABASE_URL, registry, logger });
    return {
      app: createApp({ core, worker, logger, registry, stopping }),
      host: config.HOST,
      port: config.EXPIRY_WORKER_PORT,
      close: [() => Promise.all([worker.stop(), audit.stop()]), () => core.close()],
    };
  },
});
