import { Type } from '@sinclair/typebox';

/** The id of a request, in upper or lower case. */
export const idSchema = Type.String({ format: 'uuid' });

export const moneySchema = Type.Object(
  {
    amount: Type.Integer({ description: 'In minor units of the currency.' }),
    currency: Type.String({ description: 'ISO 4217: three capital letters.' }),
  },
  { additionalProperties: false, title: 'Money' },
);

export const exampleSeat = {
  id: '01a2082d-7486-721a-9bc4-ee6c8ca29bc6',
  eventId: '01a2082d-747f-713a-9652-f2ba91487561',
  section: 'Balcony',
  row: 'C',
  number: 2,
  price: { amount: 450_000, currency: 'IDR' },
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
