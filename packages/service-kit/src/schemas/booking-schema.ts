import { Type, type Static } from '@sinclair/typebox';

export const moneySchema = Type.Object(
  {
    amount: Type.Integer({
      description: 'In minor units by ISO 4217: 15000000 is Rp 150,000 (IDR has 2 digits, JPY 0, KWD 3).',
    }),
    currency: Type.String({ description: 'ISO 4217 code of money in use.' }),
  },
  { additionalProperties: false, title: 'Money' },
);

export const exampleSeat = {
  id: '01a2082d-7486-721a-9bc4-ee6c8ca29bc6',
  eventId: '01a2082d-747f-713a-9652-f2ba91487561',
  section: 'Balcony',
  row: 'C',
  number: 2,
  price: { amount: 45_000_000, currency: 'IDR' },
  status: 'AVAILABLE',
} as const;

export const seatSchema = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    eventId: Type.String({ format: 'uuid' }),
    section: Type.String(),
    row: Type.String(),
    number: Type.Integer({ description: 'From 1 within the row.' }),
    price: moneySchema,
    status: Type.Union([Type.Literal('AVAILABLE'), Type.Literal('RESERVED'), Type.Literal('SOLD')]),
  },
  { title: 'Seat' },
);

export const exampleBooking = {
  id: '01a2082e-18c6-775e-bc09-f2c61323298d',
  eventId: '01a2082d-747f-713a-9652-f2ba91487561',
  userId: 'ani',
  status: 'PENDING',
  seats: [{ ...exampleSeat, status: 'RESERVED' }],
  total: { amount: 45_000_000, currency: 'IDR' },
  createdAt: '2026-11-23T11:32:48.461Z',
  expiresAt: '2026-11-23T11:34:48.461Z',
  expiresInSeconds: 120,
  confirmedAt: null,
} as const;

/** A booking as every API answers it. */
export const bookingSchema = Type.Object(
  {
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
  },
  { title: 'Booking' },
);

type BookingAnswer = Static<typeof bookingSchema>;

/** A booking of seat-core: the answer with dates instead of text. */
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

/** The id of a request, in upper or lower case. */
export const idSchema = Type.String({ format: 'uuid' });
