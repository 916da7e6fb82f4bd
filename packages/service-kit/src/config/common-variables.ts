import { Type } from '@sinclair/typebox';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
type LogLevel = (typeof logLevels)[number];

/** For the services that add clean-up jobs or take them. */
export const queueRedisUrlVariable = Type.Optional(
  Type.String({
    description: 'The Redis of the queue, which must evict nothing; `REDIS_URL` when not set.',
    format: 'redis-url',
  }),
);

/** The environment variables that every service reads; spread into the schema of each. */
export const commonVariables = {
  HOST: Type.String({
    description: 'The address to listen on.',
    default: '127.0.0.1',
    minLength: 1,
  }),
  DATABASE_URL: Type.String({
    description: 'PostgreSQL 15 or newer.',
    format: 'postgres-url',
  }),
  REDIS_URL: Type.String({
    description: 'Redis 7 or newer.',
    format: 'redis-url',
  }),
  DATABASE_POOL_MAX: Type.Integer({
    description: 'PostgreSQL connections per process.',
    default: 10,
    minimum: 1,
    maximum: 200,
  }),
  SHUTDOWN_DELAY_SECONDS: Type.Integer({
    description: 'How long `/health/ready` says "stopping" before the closing begins.',
    default: 0,
    minimum: 0,
    maximum: 300,
  }),
  LOG_LEVEL: Type.Unsafe<LogLevel>({
    type: 'string',
    description: 'The least important log lines to write.',
    default: 'info',
    enum: [...logLevels],
  }),
};
