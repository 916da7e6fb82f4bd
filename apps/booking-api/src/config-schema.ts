import { Type } from '@sinclair/typebox';
import { defaultSettings } from '@ticketing/seat-core';
import {
  authenticationVariables,
  commonVariables,
  limitVariables,
  originVariables,
  queueRedisUrlVariable,
} from '@ticketing/service-kit';

/** The environment of booking-api. */
export const configSchema = Type.Object({
  BOOKING_API_PORT: Type.Integer({
    description: 'The port of booking-api.',
    default: 3001,
    minimum: 1,
    maximum: 65_535,
  }),
  ...commonVariables,
  ...authenticationVariables,
  DATABASE_REPLICA_URL: Type.Optional(
    Type.String({
      description:
        'A streaming replica of `DATABASE_URL`: events, lists and maps are read there while it does not lag; every decision is made on `DATABASE_URL`.',
      format: 'postgres-url',
    }),
  ),
  QUEUE_REDIS_URL: queueRedisUrlVariable,
  ...limitVariables,
  ...originVariables,
  HOLD_SECONDS: Type.Integer({
    description: 'How long a PENDING booking holds its seats.',
    default: defaultSettings.holdSeconds,
    minimum: 1,
    maximum: 3_600,
  }),
  SEAT_LOCK_SECONDS: Type.Integer({
    description: 'How long the seat lock of a process that died stays.',
    default: defaultSettings.seatLockSeconds,
    minimum: 3,
    maximum: 60,
  }),
  MAX_SEATS_PER_BOOKING: Type.Integer({
    description: 'How many seats one booking may hold, 100 at most.',
    default: defaultSettings.maxSeatsPerBooking,
    minimum: 1,
    // Else a group that holds nothing would be told to give seats back.
    atMost: 'MAX_HELD_SEATS_PER_USER',
    maximum: 100,
  }),
  MAX_HELD_SEATS_PER_USER: Type.Integer({
    description: 'How many unpaid seats of one event a user may hold at a time.',
    default: defaultSettings.maxHeldSeatsPerUser,
    minimum: 1,
    maximum: 1_000,
  }),
  LIVE_SOCKETS_MAX: Type.Integer({
    description: 'Live connections of a process; one more is refused with `Retry-After`.',
    default: 8_000,
    minimum: 0,
    maximum: 100_000,
  }),
  LIVE_SOCKETS_PER_ADDRESS: Type.Integer({
    description: 'Live connections of one address to a process. 0 turns this limit off.',
    default: 200,
    minimum: 0,
    maximum: 100_000,
  }),
});
