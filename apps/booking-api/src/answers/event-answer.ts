import { Type, type Static } from '@sinclair/typebox';
import type { TicketedEvent } from '@ticketing/seat-core';
import { moneySchema } from '@ticketing/service-kit';

export const exampleEvent = {
  id: '01a2082d-747f-713a-9652-f2ba91487561',
  name: 'Malam Gamelan & Orkestra',
  venue: 'Gedung Kesenian Nusantara, Jakarta',
  startsAt: '2027-01-07T12:30:00.000Z',
  salesOpenAt: null,
  salesCloseAt: '2027-01-07T12:30:00.000Z',
  sections: [{ name: 'Platinum', price: { amount: 250_000_000, currency: 'IDR' }, rows: 6, seats: 174 }],
  sectionCount: 1,
  seatCounts: { available: 174, reserved: 0, sold: 0 },
  createdAt: '2026-11-23T11:32:06.399Z',
} as const;

export const eventSchema = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    name: Type.String(),
    venue: Type.String(),
    startsAt: Type.String({ format: 'date-time' }),
    salesOpenAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'Seats can be held from then on; null: at any time before the sales close.',
    }),
    salesCloseAt: Type.String({
      format: 'date-time',
      description: 'Seats can be held until then: `startsAt` unless the organizer said otherwise.',
    }),
    sections: Type.Array(
      Type.Object({
        name: Type.String(),
        price: moneySchema,
        rows: Type.Integer({ description: 'How many rows the section has.' }),
        seats: Type.Integer({ description: 'How many seats the section has.' }),
      }),
      { description: 'In a list of events empty for an event of more than 50 sections.' },
    ),
    sectionCount: Type.Integer({ description: 'How many sections the event has.' }),
    seatCounts: Type.Object(
      { available: Type.Integer(), reserved: Type.Integer(), sold: Type.Integer() },
      { description: 'Up to one second old.' },
    ),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { title: 'Event' },
);

export function toEventAnswer(event: TicketedEvent): Static<typeof eventSchema> {
  return {
    ...event,
    startsAt: event.startsAt.toISOString(),
    salesOpenAt: event.salesOpenAt?.toISOString() ?? null,
    salesCloseAt: event.salesCloseAt.toISOString(),
    sections: [...event.sections],
    createdAt: event.createdAt.toISOString(),
  };
}
