import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import { described, type HttpService, idSchema, problemAnswers } from '@ticketing/service-kit';
import { eventSchema, exampleEvent, toEventAnswer } from '../answers/event-answer.ts';
import { keptForASecond } from './freshness.ts';

const schema = {
  summary: 'One event, and how many of its seats are free',
  params: Type.Object({ eventId: idSchema }),
  response: {
    200: described(eventSchema, { description: 'The event.', example: exampleEvent }),
    ...problemAnswers,
  },
};

/** `GET /api/v1/events/:eventId` */
export function addGetEventRoute(app: HttpService, core: SeatCore): void {
  app.get(
    '/api/v1/events/:eventId',
    { schema, config: { access: 'public', problems: ['EVENT_NOT_FOUND'] } },
    async ({ params }, reply) => {
      const event = await core.getEvent(params);
      return reply.header('cache-control', keptForASecond).send(toEventAnswer(event));
    },
  );
}
