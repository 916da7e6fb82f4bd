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

const schema = {
  params: Type.Object({ bookingId: idSchema }),
  response: { 200: bookingSchema, ...problemAnswers },
};

/** Whom the history names while nobody has to say who they are. */
const service = 'payment-api';

/** `POST /api/v1/payment/:bookingId/confirm`: sells what a booking holds; doing it again changes nothing. */
export function addConfirmBookingRoute(app: HttpService, core: SeatCore): void {
  app.post(
    '/api/v1/payment/:bookingId/confirm',
    { schema },
    async ({ params, caller, id: requestId }, reply) => {
      const booking = await core.confirmBooking({
        ...params,
        ...seenBy(caller),
        actor: caller.userId ?? service,
        requestId,
      });
      return reply.header('cache-control', 'no-store').send(toBookingAnswer(booking));
    },
  );
}
