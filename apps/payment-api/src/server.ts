import { openSeatCore } from '@ticketing/seat-core';
import { closeRedis, openRedis } from '@ticketing/seat-core/clients';
import { runPublicApi } from '@ticketing/service-kit';
import { createApp } from './app.ts';
import { configSchema } from './config-schema.ts';

await runPublicApi({
  name: 'payment-api',
  configSchema,
  openEngine: (options) => openSeatCore({ ...options, queueRedisUrl: null }),
  openRedis,
  closeRedis,
  createApp,
  portOf: (config) => config.PAYMENT_API_PORT,
});
