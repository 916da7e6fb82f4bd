import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import {
  bookingSchema,
  described,
  exampleBooking,
  type HttpService,
  idSchema,
  problemAnswers,
  toBookingAnswer,
  userIdOf,
} from '@ticketing/service-kit';
import { neverKept } from './freshness.ts';

const schema = {
  summary: 'The live bookings of the caller in an event',
  querystring: Type.Object({
    eventId: idSchema,
    userId: Type.Optional(Type.String({ description: 'Only while authentication is off.' })),
  }),
  response: {
    200: described(Type.Object({ bookings: Type.Array(bookingSchema) }), {
      description: 'PENDING and CONFIRMED ones, the newest first.',
      example: { bookings: [exampleBooking] },
    }),
    ...problemAnswers,
  },
};

/** `GET /api/v1/booking`: a user's live bookings of an event: finds a hold whose answer was lost. */
export function addListBookingsRoute(app: HttpService, core: SeatCore): void {
  app.get('/api/v1/booking', { schema }, async ({ query: { eventId, userId }, caller }, reply) => {
    const bookings = await core.listLiveBookings({ eventId, userId: userIdOf(caller, userId) });
    return reply.header('cache-control', neverKept).send({ bookings: bookings.map(toBookingAnswer) });
  });
}
