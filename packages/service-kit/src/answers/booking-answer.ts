import { Type, type Static } from '@sinclair/typebox';
import { moneySchema } from './money-schema.ts';
import { seatSchema } from './seat-schema.ts';

/** A booking as the contract shows it. */
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

type BookingAnswer = Static<typeof bookingSchema>;

/** What seat-core's verbs return, handed in: the answer with instants instead of their texts. */
interface AnsweredBooking extends Omit<BookingAnswer, 'seats' | 'createdAt' | 'expiresAt' | 'confirmedAt'> {
  readonly seats: readonly BookingAnswer['seats'][number][];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly confirmedAt: Date | null;
}

export function toBookingAnswer(booking: AnsweredBooking): BookingAnswer {
  return {
    ...booking,
    seats: [...booking.seats],
    createdAt: booking.createdAt.toISOString(),
    expiresAt: booking.expiresAt.toISOString(),
    confirmedAt: booking.confirmedAt?.toISOString() ?? null,
  };
}
