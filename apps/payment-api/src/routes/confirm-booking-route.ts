import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import {
  bookingSchema,
  type HttpService,
  idempotencyOf,
  idSchema,
  problemAnswers,
  seenBy,
  tellReplay,
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
  app.post('/api/v1/payment/:bookingId/confirm', { schema }, async (request, reply) => {
    const { params, caller, id: requestId } = request;
    const booking = await core.confirmBooking({
      ...params,
      ...seenBy(caller),
      ...idempotencyOf(request),
      actor: caller.userId ?? service,
      requestId,
    });
    return tellReplay(reply, booking).header('cache-control', 'no-store').send(toBookingAnswer(booking));
  });
}
