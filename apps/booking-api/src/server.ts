import { closeRedis, openRedis, openSeatCore } from '@ticketing/seat-core';
import {
  assertDatabaseFits,
  readAllowedOrigins,
  readAuthenticationSettings,
  runService,
} from '@ticketing/service-kit';
import { createApp } from './app.ts';
import { configSchema } from './config-schema.ts';

const name = 'booking-api';

await runService({
  name,
  configSchema,
  start: async ({ config, logger, registry, stopping }) => {
    const authentication = readAuthenticationSettings(config);
    const core = await openSeatCore({
      databaseUrl: config.DATABASE_URL,
      ...(config.DATABASE_REPLICA_URL === undefined
        ? {}
        : { databaseReplicaUrl: config.DATABASE_REPLICA_URL }),
      redisUrl: config.REDIS_URL,
      queueRedisUrl: config.QUEUE_REDIS_URL ?? config.REDIS_URL,
      databasePoolMax: config.DATABASE_POOL_MAX,
      applicationName: name,
      holdSeconds: config.HOLD_SECONDS,
      seatLockSeconds: config.SEAT_LOCK_SECONDS,
      maxSeatsPerBooking: config.MAX_SEATS_PER_BOOKING,
      maxHeldSeatsPerUser: config.MAX_HELD_SEATS_PER_USER,
      logger,
      registry,
    });
    await assertDatabaseFits({ engine: core, poolMax: config.DATABASE_POOL_MAX, logger });
    // Its own: a counter must not wait behind the commands of bookings, nor they behind it.
    const limitRedis = await openRedis({
      redisUrl: config.REDIS_URL,
      onConnectionError: (err) => logger.debug({ err, part: 'limits' }, 'connection error'),
    });
    const limits = {
      max: config.RATE_LIMIT_MAX,
      windowSeconds: config.RATE_LIMIT_WINDOW_SECONDS,
      redis: limitRedis,
    };
    const live = {
      maxSockets: config.LIVE_SOCKETS_MAX,
      maxSocketsPerAddress: config.LIVE_SOCKETS_PER_ADDRESS,
    };
    const allowedOrigins = readAllowedOrigins(config);
    const trustedProxies = config.TRUSTED_PROXIES;
    return {
      app: createApp({
        core,
        authentication,
        limits,
        live,
        allowedOrigins,
        trustedProxies,
        logger,
        registry,
        stopping,
      }),
      host: config.HOST,
      port: config.BOOKING_API_PORT,
      close: [() => closeRedis(limitRedis), () => core[Symbol.asyncDispose]()],
    };
  },
});
