import { Type } from '@sinclair/typebox';
import { commonVariables, queueRedisUrlVariable } from '@ticketing/service-kit';

/** The environment of expiry-worker. */
export const configSchema = Type.Object({
  EXPIRY_WORKER_PORT: Type.Integer({
    description: 'The port of expiry-worker, for health and metrics.',
    default: 3003,
    minimum: 1,
    maximum: 65_535,
  }),
  ...commonVariables,
  QUEUE_REDIS_URL: queueRedisUrlVariable,
});
