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
import { neverKept } from './freshness.ts';

const schema = {
  params: Type.Object({ bookingId: idSchema }),
  response: { 200: bookingSchema, ...problemAnswers },
};

/** Whom the history names while nobody has to say who they are. */
const service = 'booking-api';

/** `DELETE /api/v1/booking/:bookingId`: gives the seats back. */
export function addReleaseBookingRoute(app: HttpService, core: SeatCore): void {
  app.delete('/api/v1/booking/:bookingId', { schema }, async (request, reply) => {
    const { params, caller, id: requestId } = request;
    const booking = await core.releaseBooking({
      ...params,
      ...seenBy(caller),
      ...idempotencyOf(request),
      actor: caller.userId ?? service,
      requestId,
    });
    return tellReplay(reply, booking).header('cache-control', neverKept).send(toBookingAnswer(booking));
  });
}
