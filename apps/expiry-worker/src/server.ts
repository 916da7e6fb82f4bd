import { openSeatCore } from '@ticketing/seat-core';
import { assertDatabaseFits, runService } from '@ticketing/service-kit';
import { createApp } from './app.ts';
import { closeWorker } from './close-worker.ts';
import { configSchema } from './config-schema.ts';
import { openQueueView } from './open-queue-view.ts';
import { openWorkerRedis } from './open-worker-redis.ts';
import { startAuditing } from './start-auditing.ts';
import { startLoops } from './start-loops.ts';
import { startWorker } from './start-worker.ts';

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
    await assertDatabaseFits({ engine: core, poolMax: config.DATABASE_POOL_MAX, logger });
    const queueView = await openQueueView(queueRedisUrl, logger);
    const workerRedis = openWorkerRedis(queueRedisUrl);

    const app = createApp({ core, expiryQueue: queueView.queue, logger, registry, stopping });
    const worker = startWorker({ core, redis: workerRedis, registry, logger });
    const loops = startLoops(core, logger);
    const auditing = startAuditing({ databaseUrl: config.DATABASE_URL, registry, logger });
    return {
      app,
      host: config.HOST,
      port: config.EXPIRY_WORKER_PORT,
      close: [
        () => Promise.all([loops.stop(), auditing.stop()]),
        () => closeWorker(worker, workerRedis),
        () => queueView.close(),
        () => core[Symbol.asyncDispose](),
      ],
    };
  },
});
