import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import {
  bookingSchema,
  type HttpService,
  idempotencyOf,
  idSchema,
  problemAnswers,
  tellReplay,
  toBookingAnswer,
  userIdOf,
} from '@ticketing/service-kit';
import { neverKept } from './freshness.ts';

const userIdSchema = Type.Optional(
  Type.String({ description: '1 to 128 visible ASCII characters; only while authentication is off.' }),
);

const schema = {
  body: Type.Union([
    Type.Object({ seatId: idSchema, userId: userIdSchema }, { additionalProperties: false }),
    Type.Object({ seatIds: Type.Array(idSchema), userId: userIdSchema }, { additionalProperties: false }),
  ]),
  response: { 201: bookingSchema, ...problemAnswers },
};

/** `POST /api/v1/booking`: holds one seat, or several of one event, all or none. */
export function addHoldSeatsRoute(app: HttpService, core: SeatCore): void {
  app.post('/api/v1/booking', { schema }, async (request, reply) => {
    const { body, caller, id: requestId } = request;
    const seatIds = 'seatIds' in body ? body.seatIds : [body.seatId];
    const userId = userIdOf(caller, body.userId);
    const booking = await core.holdSeats({ seatIds, userId, requestId, ...idempotencyOf(request, userId) });
    return tellReplay(reply, booking)
      .code(201)
      .header('location', `/api/v1/booking/${booking.id}`)
      .header('cache-control', neverKept)
      .send(toBookingAnswer(booking));
  });
}
