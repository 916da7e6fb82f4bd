import { Type } from '@sinclair/typebox';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
type LogLevel = (typeof logLevels)[number];

/** For the services that add clean-up jobs or run them. */
export const queueRedisUrlVariable = Type.Optional(
  Type.String({
    description: 'The Redis of the queue, which must evict nothing; `REDIS_URL` when not set.',
    format: 'redis-url',
  }),
);

/** The environment variables that every service reads; spread into its schema, as the other groups are. */
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
  REDIS_KEY_PREFIX: Type.String({
    description:
      'Stands before every key, channel and queue of this installation, so that several can share a Redis.',
    default: '',
    // BullMQ puts it between braces, which a cluster reads as the slot.
    pattern: '^[\\x21-\\x7a|~]{0,64}$',
  }),
  DATABASE_POOL_MAX: Type.Integer({
    description:
      'PostgreSQL connections per process: of 10 six serve sales, three lists and maps, one creates events.',
    default: 10,
    minimum: 4,
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

/** The environment variables of services with rate limits. */
export const limitVariables = {
  RATE_LIMIT_MAX: Type.Integer({
    description: 'Requests that write, per user and window; ten times as many per address. 0 is no limit.',
    default: 30,
    minimum: 0,
    maximum: 1_000_000,
  }),
  RATE_LIMIT_WINDOW_SECONDS: Type.Integer({
    description: 'The window of RATE_LIMIT_MAX.',
    default: 10,
    minimum: 1,
    maximum: 3_600,
  }),
  RATE_LIMIT_STAFF_MAX: Type.Integer({
    description:
      'RATE_LIMIT_MAX of callers whose token has the role `payments`, `organizer` or `admin`: they speak for many.',
    default: 3_000,
    atLeast: 'RATE_LIMIT_MAX',
    maximum: 1_000_000,
  }),
  TRUSTED_PROXIES: Type.Optional(
    Type.String({
      description: 'The proxies whose X-Forwarded-For header is believed.',
      format: 'cidr-list',
    }),
  ),
};

/** The environment variable of services that web pages call. */
export const originVariables = {
  ALLOWED_ORIGINS: Type.Optional(
    Type.String({
      description:
        'The origins whose pages may call (CORS) and follow the live feed, `https://a.example, https://b.example`. Not set: no page may call, every page may follow.',
      format: 'origin-list',
    }),
  ),
};
