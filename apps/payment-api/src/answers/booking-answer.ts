import { Type, type Static } from '@sinclair/typebox';
import type { Booking } from '@ticketing/seat-core';
import { moneySchema } from './money-schema.ts';
import { seatSchema } from './seat-schema.ts';

/** A booking as the contract shows it; booking-api has the same. */
export const bookingSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  eventId: Type.String({ format: 'uuid' }),
  userId: Type.String(),
  status: Type.Union([
    Type.Literal('PENDING'),
    Type.Literal('CONFIRMED'),
    Type.Literal('EXPIRED'),
    Type.Literal('CANCELLED'),
  ]),
  seats: Type.Array(seatSchema),
  total: moneySchema,
  createdAt: Type.String({ format: 'date-time' }),
  expiresAt: Type.String({ format: 'date-time' }),
  expiresInSeconds: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Whole seconds until expiresAt, rounded down; null unless PENDING.',
  }),
  confirmedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
});

export function toBookingAnswer(booking: Booking): Static<typeof bookingSchema> {
  return {
    ...booking,
    seats: [...booking.seats],
    createdAt: booking.createdAt.toISOString(),
    expiresAt: booking.expiresAt.toISOString(),
    confirmedAt: booking.confirmedAt?.toISOString() ?? null,
  };
}
