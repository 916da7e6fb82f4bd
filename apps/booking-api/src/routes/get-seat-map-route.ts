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
import { keptForASecond, matchesEntityTag } from './freshness.ts';
import { preferredEncoding } from './preferred-encoding.ts';

const seatMapSchema = Type.Object({
  eventId: Type.String({ format: 'uuid' }),
  version: Type.Integer({ description: 'Rises with every change of a seat.' }),
  asOf: Type.String({ format: 'date-time' }),
  seats: Type.Array(seatSchema),
});

/** What fits into one packet gains nothing. */
const smallBytes = 1_400;

const answerHeaders = { etag: 'of event and version', vary: '`accept-encoding`' };

const schema = {
  summary: 'The whole seat map',
  params: Type.Object({ eventId: idSchema }),
  response: {
    // seat-core hands the map over serialized: it is built once a second, however many ask.
    200: Type.Unsafe<Buffer>(
      described(seatMapSchema, {
        description: 'Every seat in the order of the hall, up to a second old.',
        headers: answerHeaders,
        example: {
          eventId: exampleSeat.eventId,
          version: 42,
          asOf: '2026-11-23T11:32:40.000Z',
          seats: [exampleSeat],
        },
      }),
    ),
    304: Type.Unsafe<undefined>(
      described(Type.Null(), { description: 'The client has this version.', headers: answerHeaders }),
    ),
    ...problemAnswers,
  },
};

/** `GET /api/v1/events/:eventId/seats`: the whole hall. A client that has it already is told so. */
export function addGetSeatMapRoute(app: HttpService, core: SeatCore): void {
  app.get(
    '/api/v1/events/:eventId/seats',
    { schema, config: { access: 'public', problems: ['EVENT_NOT_FOUND'] } },
    async ({ params, headers }, reply) => {
      const map = await core.getSeatMap(params);
      const { eventId, version } = map;
      const etag = `W/"${eventId}-${version}"`;
      reply.header('cache-control', keptForASecond).header('etag', etag).header('vary', 'accept-encoding');
      if (matchesEntityTag(headers['if-none-match'], etag)) return reply.code(304).send(undefined);
      const encoding =
        map.json.length < smallBytes ? 'identity' : preferredEncoding(headers['accept-encoding']);
      if (encoding !== 'identity') reply.header('content-encoding', encoding);
      return reply.type('application/json; charset=utf-8').send(await map.as(encoding));
    },
  );
}
