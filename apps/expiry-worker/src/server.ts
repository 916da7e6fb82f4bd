import { createExpiryQueue, openQueueRedis, openSeatCore } from '@ticketing/seat-core';
import { runService } from '@ticketing/service-kit';
import { createApp } from './app.ts';
import { closeWorker } from './close-worker.ts';
import { configSchema } from './config-schema.ts';
import { openWorkerRedis } from './open-worker-redis.ts';
import { startLoops } from './start-loops.ts';
import { startWorker } from './start-worker.ts';

const name = 'expiry-worker';

await runService({
  name,
  configSchema,
  start: async ({ config, logger, registry, stopping }) => {
    const core = await openSeatCore({
      databaseUrl: config.DATABASE_URL,
      redisUrl: config.REDIS_URL,
      databasePoolMax: config.DATABASE_POOL_MAX,
      applicationName: name,
      logger,
      registry,
    });
    const queueRedis = await openQueueRedis({ redisUrl: config.REDIS_URL });
    const expiryQueue = createExpiryQueue(queueRedis);
    const workerRedis = await openWorkerRedis(config.REDIS_URL, logger);

    const app = createApp({ core, expiryQueue, logger, registry, stopping });
    const worker = startWorker({ core, redis: workerRedis, registry, logger });
    const loops = startLoops(core, logger);
    return {
      app,
      host: config.HOST,
      port: config.EXPIRY_WORKER_PORT,
      close: [
        () => loops.stop(),
        () => closeWorker(worker, workerRedis),
        () => expiryQueue.close(),
        () => queueRedis.disconnect(),
        () => core[Symbol.asyncDispose](),
      ],
    };
  },
});
