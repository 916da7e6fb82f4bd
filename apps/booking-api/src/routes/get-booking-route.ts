import { Type } from '@sinclair/typebox';
import { anyone, type SeatCore } from '@ticketing/seat-core';
import {
  bookingSchema,
  described,
  exampleBooking,
  type HttpService,
  idSchema,
  problemAnswers,
  seenBy,
  toBookingAnswer,
} from '@ticketing/service-kit';
import { neverKept } from './freshness.ts';

const schema = {
  summary: 'One booking',
  params: Type.Object({ bookingId: idSchema }),
  response: {
    200: described(bookingSchema, { description: 'The booking, as it is now.', example: exampleBooking }),
    ...problemAnswers,
  },
};

/** `GET /api/v1/booking/:bookingId` */
export function addGetBookingRoute(app: HttpService, core: SeatCore): void {
  app.get(
    '/api/v1/booking/:bookingId',
    { schema, config: { problems: ['BOOKING_NOT_FOUND'] } },
    async ({ params, caller }, reply) => {
      const booking = await core.getBooking({ ...params, ownedBy: seenBy(caller) ?? anyone });
      return reply.header('cache-control', neverKept).send(toBookingAnswer(booking));
    },
  );
}
