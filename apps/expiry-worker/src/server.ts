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
    const queueRedisUrl = config.QUEUE_REDIS_URL ?? config.REDIS_URL;
    const core = await openSeatCore({
      databaseUrl: config.DATABASE_URL,
      redisUrl: config.REDIS_URL,
      queueRedisUrl,
      databasePoolMax: config.DATABASE_POOL_MAX,
      applicationName: name,
      logger,
      registry,
    });
    await assertInstallation([() => core.checkInstallation()], logger);
    const worker = await startExpiryWorker(core, { redisUrl: queueRedisUrl, logger, registry });
    const audit = startAudit({ databaseUrl: config.DATABASE_URL, registry, logger });
    return {
      app: createApp({ core, logger, registry, stopping }),
      host: config.HOST,
      port: config.EXPIRY_WORKER_PORT,
      close: [() => Promise.all([worker.stop(), audit.stop()]), () => core.close()],
    };
  },
});
