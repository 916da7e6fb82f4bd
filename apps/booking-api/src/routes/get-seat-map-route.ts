import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import { type HttpService, idSchema, problemAnswers, seatSchema } from '@ticketing/service-kit';
import { keptForASecond } from './freshness.ts';
import { matchesEntityTag } from './matches-entity-tag.ts';

const seatMapSchema = Type.Object({
  eventId: Type.String({ format: 'uuid' }),
  version: Type.Integer({ description: 'Rises with every change of a seat.' }),
  asOf: Type.String({ format: 'date-time' }),
  seats: Type.Array(seatSchema),
});

const schema = {
  params: Type.Object({ eventId: idSchema }),
  response: {
    // seat-core hands the map over serialized: it is built once a second, however many ask.
    200: Type.Unsafe<Buffer>(seatMapSchema),
    304: Type.Unsafe<undefined>({ type: 'null', description: 'The client has this version.' }),
    ...problemAnswers,
  },
};

/** `GET /api/v1/events/:eventId/seats`: the whole hall. A client that has it already is told so. */
export function addGetSeatMapRoute(app: HttpService, core: SeatCore): void {
  app.get(
    '/api/v1/events/:eventId/seats',
    { schema, config: { access: 'public' } },
    async ({ params, headers }, reply) => {
      const { eventId, version, json } = await core.getSeatMap(params);
      const etag = `W/"${eventId}-${version}"`;
      reply.header('cache-control', keptForASecond).header('etag', etag);
      if (matchesEntityTag(headers['if-none-match'], etag)) return reply.code(304).send(undefined);
      return reply.type('application/json; charset=utf-8').send(json);
    },
  );
}
