import { Type } from '@sinclair/typebox';
import { moneySchema } from './money-schema.ts';

export const seatSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  eventId: Type.String({ format: 'uuid' }),
  section: Type.String(),
  row: Type.String(),
  number: Type.Integer({ description: 'From 1 within the row.' }),
  price: moneySchema,
  status: Type.Union([Type.Literal('AVAILABLE'), Type.Literal('RESERVED'), Type.Literal('SOLD')]),
});
