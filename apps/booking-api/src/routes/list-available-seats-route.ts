import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import {
  described,
  exampleSeat,
  type HttpService,
  idSchema,
  problemAnswers,
  seatSchema,
} from '@ticketing/service-kit';
import { keptForASecond } from './freshness.ts';

const schema = {
  summary: 'A random choice of free seats',
  querystring: Type.Object({
    eventId: Type.Optional(idSchema),
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 10 }),
  }),
  response: {
    200: described(
      Type.Object({ seats: Type.Array(seatSchema), asOf: Type.String({ format: 'date-time' }) }),
      {
        description: 'Up to a second old: `asOf` says of when. Without `eventId` over all events to come.',
        example: { seats: [exampleSeat], asOf: '2026-11-23T11:32:40.000Z' },
      },
    ),
    ...problemAnswers,
  },
};

/** `GET /api/v1/seats/available`: a random choice of free seats, of one event or of all that are to come. */
export function addListAvailableSeatsRoute(app: HttpService, core: SeatCore): void {
  app.get(
    '/api/v1/seats/available',
    { schema, config: { access: 'public', problems: ['EVENT_NOT_FOUND'] } },
    async ({ query }, reply) => {
      const { seats, asOf } = await core.listAvailableSeats(query);
      return reply
        .header('cache-control', keptForASecond)
        .send({ seats: [...seats], asOf: asOf.toISOString() });
    },
  );
}
