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
  tellReplay,
  toBookingAnswer,
} from '@ticketing/service-kit';

const schema = {
  summary: 'Sell the seats of a booking',
  params: Type.Object({ bookingId: idSchema }),
  response: {
    200: described(bookingSchema, {
      description: 'The booking, CONFIRMED, its seats SOLD; the same answer when it already was.',
      example: {
        ...exampleBooking,
        status: 'CONFIRMED',
        seats: exampleBooking.seats.map((seat) => ({ ...seat, status: 'SOLD' })),
        expiresInSeconds: null,
        confirmedAt: '2026-11-23T11:33:10.002Z',
      },
      headers: {
        'idempotency-replayed': '`true` when this repeats the answer to an earlier request with the same key',
      },
    }),
    ...problemAnswers,
  },
};

const problems = ['BOOKING_NOT_FOUND', 'BOOKING_EXPIRED', 'BOOKING_NOT_PENDING'] as const;

/** The actor in the history while authentication is off. */
const service = 'payment-api';

/**
 * `POST /api/v1/payment/:bookingId/confirm`: sells the seats of a booking; a second confirm changes nothing. Not for its
 * owner: a buyer does not say that he has paid.
 */
export function addConfirmBookingRoute(app: HttpService, core: SeatCore): void {
  const config = { access: 'payments', problems } as const;
  app.post('/api/v1/payment/:bookingId/confirm', { schema, config }, async (request, reply) => {
    const { params, caller, id: requestId } = request;
    const booking = await core.confirmBooking({
      ...params,
      ownedBy: anyone,
      ...idempotencyOf(request),
      actor: caller.userId ?? service,
      requestId,
    });
    return tellReplay(reply, booking).header('cache-control', 'no-store').send(toBookingAnswer(booking));
  });
}
