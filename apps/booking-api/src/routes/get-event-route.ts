import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import { type HttpService, idSchema, problemAnswers } from '@ticketing/service-kit';
import { eventSchema, toEventAnswer } from '../answers/event-answer.ts';
import { keptForASecond } from './freshness.ts';

const schema = {
  params: Type.Object({ eventId: idSchema }),
  response: { 200: eventSchema, ...problemAnswers },
};

/** `GET /api/v1/events/:eventId` */
export function addGetEventRoute(app: HttpService, core: SeatCore): void {
  app.get('/api/v1/events/:eventId', { schema, config: { access: 'public' } }, async ({ params }, reply) => {
    const event = await core.getEvent(params);
    return reply.header('cache-control', keptForASecond).send(toEventAnswer(event));
  });
}
