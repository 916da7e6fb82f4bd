import { openSeatCore } from '@ticketing/seat-core';
import { closeRedis, openRedis } from '@ticketing/seat-core/clients';
import { runPublicApi } from '@ticketing/service-kit';
import { createApp } from './app.ts';
import { configSchema } from './config-schema.ts';

await runPublicApi({
  name: 'booking-api',
  configSchema,
  openEngine: (options, config) =>
    openSeatCore({
      ...options,
      ...(config.DATABASE_REPLICA_URL === undefined
        ? {}
        : { databaseReplicaUrl: config.DATABASE_REPLICA_URL }),
      queueRedisUrl: config.QUEUE_REDIS_URL ?? config.REDIS_URL,
      holdSeconds: config.HOLD_SECONDS,
      seatLockSeconds: config.SEAT_LOCK_SECONDS,
      maxSeatsPerBooking: config.MAX_SEATS_PER_BOOKING,
      maxHeldSeatsPerUser: config.MAX_HELD_SEATS_PER_USER,
    }),
  openRedis,
  closeRedis,
  createApp: (context, config) =>
    createApp({
      ...context,
      live: {
        maxSockets: config.LIVE_SOCKETS_MAX,
        maxSocketsPerAddress: config.LIVE_SOCKETS_PER_ADDRESS,
      },
    }),
  portOf: (config) => config.BOOKING_API_PORT,
});
