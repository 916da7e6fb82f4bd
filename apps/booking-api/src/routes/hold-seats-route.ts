import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import {
  bookingSchema,
  described,
  exampleBooking,
  exampleSeat,
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
  summary: 'Hold one seat, or several of one event, all or none',
  body: Type.Union(
    [
      Type.Object({ seatId: idSchema, userId: userIdSchema }, { additionalProperties: false }),
      Type.Object({ seatIds: Type.Array(idSchema), userId: userIdSchema }, { additionalProperties: false }),
    ],
    {
      examples: [
        { seatId: exampleSeat.id, userId: 'ani' },
        { seatIds: [exampleSeat.id], userId: 'ani' },
      ],
    },
  ),
  response: {
    201: described(bookingSchema, {
      description: 'The seats are held until `expiresAt`.',
      example: exampleBooking,
      headers: {
        location: 'the path of the booking',
        'idempotency-replayed': '`true` when the key was known and this is the answer it stands for',
      },
    }),
    ...problemAnswers,
  },
};

const problems = [
  'SEAT_TAKEN',
  'SEAT_LOCKED',
  'HOLD_LIMIT_REACHED',
  'SALES_NOT_OPEN',
  'SALES_CLOSED',
  'SEAT_NOT_FOUND',
] as const;

/** `POST /api/v1/booking`: holds one seat, or several of one event, all or none. */
export function addHoldSeatsRoute(app: HttpService, core: SeatCore): void {
  app.post('/api/v1/booking', { schema, config: { problems } }, async (request, reply) => {
    const { body, caller, id: requestId } = request;
    const seatIds = 'seatIds' in body ? body.seatIds : [body.seatId];
    const userId = userIdOf(caller, body.userId);
    const booking = await core.holdSeats({ seatIds, userId, requestId, ...idempotencyOf(request) });
    return tellReplay(reply, booking)
      .code(201)
      .header('location', `/api/v1/booking/${booking.id}`)
      .header('cache-control', neverKept)
      .send(toBookingAnswer(booking));
  });
}
