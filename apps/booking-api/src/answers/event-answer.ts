import { Type, type Static } from '@sinclair/typebox';
import type { TicketedEvent } from '@ticketing/seat-core';
import { moneySchema } from '@ticketing/service-kit';

export const eventSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  venue: Type.String(),
  startsAt: Type.String({ format: 'date-time' }),
  sections: Type.Array(
    Type.Object({
      name: Type.String(),
      price: moneySchema,
      rows: Type.Integer({ description: 'How many rows the section has.' }),
      seats: Type.Integer({ description: 'How many seats the section has.' }),
    }),
  ),
  seatCounts: Type.Object(
    { available: Type.Integer(), reserved: Type.Integer(), sold: Type.Integer() },
    { description: 'Up to one second old.' },
  ),
  createdAt: Type.String({ format: 'date-time' }),
});

export function toEventAnswer(event: TicketedEvent): Static<typeof eventSchema> {
  return {
    ...event,
    startsAt: event.startsAt.toISOString(),
    sections: [...event.sections],
    createdAt: event.createdAt.toISOString(),
  };
}
