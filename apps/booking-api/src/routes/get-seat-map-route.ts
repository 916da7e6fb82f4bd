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
import { preferredEncoding } from '../answers/preferred-encoding.ts';
import { SeatMapAnswers } from '../answers/seat-map-answer.ts';
import { keptForASecond, matchesEntityTag } from './freshness.ts';

const seatMapSchema = Type.Object({
  eventId: Type.String({ format: 'uuid' }),
  version: Type.Integer({ description: 'Rises with every change of a seat.' }),
  asOf: Type.String({ format: 'date-time' }),
  seats: Type.Array(seatSchema),
});

/** A body that fits into one packet gains nothing by compression. */
const smallBytes = 1_400;

const answerHeaders = { etag: 'of event and version', vary: '`accept-encoding`' };

const schema = {
  summary: 'The whole seat map',
  params: Type.Object({ eventId: idSchema }),
  response: {
    // Serialized by SeatMapAnswers: once per version of the map, however many requests ask.
    200: Type.Unsafe<Buffer>(
      described(seatMapSchema, {
        description: 'Every seat in the order of the venue, up to a second old.',
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

/** `GET /api/v1/events/:eventId/seats`: every seat of an event, or 304 when the client has this version. */
export function addGetSeatMapRoute(app: HttpService, core: SeatCore): void {
  const answers = new SeatMapAnswers(core);
  app.get(
    '/api/v1/events/:eventId/seats',
    { schema, config: { access: 'public', problems: ['EVENT_NOT_FOUND'] } },
    async ({ params, headers }, reply) => {
      const answer = await answers.get(params);
      const { eventId, version } = answer.map;
      const etag = `W/"${eventId}-${version}"`;
      reply.header('cache-control', keptForASecond).header('etag', etag).header('vary', 'accept-encoding');
      if (matchesEntityTag(headers['if-none-match'], etag)) return reply.code(304).send(undefined);
      const json = await answer.as('identity');
      const encoding = json.length < smallBytes ? 'identity' : preferredEncoding(headers['accept-encoding']);
      if (encoding !== 'identity') reply.header('content-encoding', encoding);
      return reply.type('application/json; charset=utf-8').send(await answer.as(encoding));
    },
  );
}
