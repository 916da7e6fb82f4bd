import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import {
  bookingSchema,
  type HttpService,
  idSchema,
  problemAnswers,
  seenBy,
  toBookingAnswer,
} from '@ticketing/service-kit';
import { neverKept } from './freshness.ts';

const schema = {
  params: Type.Object({ bookingId: idSchema }),
  response: { 200: bookingSchema, ...problemAnswers },
};

/** `GET /api/v1/booking/:bookingId` */
export function addGetBookingRoute(app: HttpService, core: SeatCore): void {
  app.get('/api/v1/booking/:bookingId', { schema }, async ({ params, caller }, reply) => {
    const booking = await core.getBooking({ ...params, ...seenBy(caller) });
    return reply.header('cache-control', neverKept).send(toBookingAnswer(booking));
  });
}
