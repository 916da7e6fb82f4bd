import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import { described, type HttpService, idSchema, problemAnswers } from '@ticketing/service-kit';
import { eventSchema, exampleEvent, toEventAnswer } from '../answers/event-answer.ts';
import { keptForASecond } from './freshness.ts';

const schema = {
  summary: 'Events, page by page, the newest first',
  querystring: Type.Object({
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
    after: Type.Optional(Type.String({ format: 'uuid', description: 'The next of the page before.' })),
  }),
  response: {
    200: described(
      Type.Object({
        events: Type.Array(eventSchema),
        next: Type.Union([idSchema, Type.Null()], {
          description: 'The after of the next page, null on the last.',
        }),
      }),
      { description: 'A page of events.', example: { events: [exampleEvent], next: null } },
    ),
    ...problemAnswers,
  },
};

/** `GET /api/v1/events`: page by page, the newest first. */
export function addListEventsRoute(app: HttpService, core: SeatCore): void {
  app.get('/api/v1/events', { schema, config: { access: 'public' } }, async ({ query }, reply) => {
    const { events, next } = await core.listEvents(query);
    return reply.header('cache-control', keptForASecond).send({ events: events.map(toEventAnswer), next });
  });
}
