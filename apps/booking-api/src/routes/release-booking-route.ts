import { Type } from '@sinclair/typebox';
import { anyone, type SeatCore } from '@ticketing/seat-core';
import {
  bookingSchema,
  described,
  exampleBooking,
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
  summary: 'Give the seats back',
  params: Type.Object({ bookingId: idSchema }),
  response: {
    200: described(bookingSchema, {
      description: 'The booking, CANCELLED; the same when it was before.',
      example: { ...exampleBooking, status: 'CANCELLED', expiresInSeconds: null },
      headers: {
        'idempotency-replayed': '`true` when the key was known and this is the answer it stands for',
      },
    }),
    ...problemAnswers,
  },
};

/** The actor in the history of bookings while authentication is off. */
const service = 'booking-api';

/** `DELETE /api/v1/booking/:bookingId`: gives the seats back. */
export function addReleaseBookingRoute(app: HttpService, core: SeatCore): void {
  app.delete(
    '/api/v1/booking/:bookingId',
    { schema, config: { problems: ['BOOKING_NOT_FOUND', 'BOOKING_NOT_PENDING'] } },
    async (request, reply) => {
      const { params, caller, id: requestId } = request;
      const booking = await core.releaseBooking({
        ...params,
        ownedBy: seenBy(caller) ?? anyone,
        ...idempotencyOf(request),
        actor: caller.userId ?? service,
        requestId,
      });
      return tellReplay(reply, booking).header('cache-control', neverKept).send(toBookingAnswer(booking));
    },
  );
}
