import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { bookingSchema, idSchema } from '@ticketing/service-kit';
import fastify from 'fastify';
import { runChild } from '../rig/child-process.ts';
import { bookingAnswer } from './booking-answer.ts';

const id = '0190163d-8694-739b-aea5-966c26f8ad91';
const eventId = '0190163d-8694-739b-aea5-966c26f8ad90';

/* Fastify alone: parses and validates the body of a booking, and serializes the answer of one, always the same. */
runChild(async (_job, send) => {
  const app = fastify().withTypeProvider<TypeBoxTypeProvider>();
  const userId = Type.Optional(Type.String());
  const schema = {
    body: Type.Union([
      Type.Object({ seatId: idSchema, userId }, { additionalProperties: false }),
      Type.Object({ seatIds: Type.Array(idSchema), userId }, { additionalProperties: false }),
    ]),
    response: { 201: bookingSchema },
  };
  app.post('/api/v1/booking', { schema }, async ({ body }, reply) => {
    const seatIds = 'seatIds' in body ? body.seatIds : [body.seatId];
    const seats = seatIds.map((seatId) => ({ id: seatId, section: 'A', row: '1', number: 1 }));
    const booking = {
      id,
      eventId,
      userId: body.userId ?? '',
      seats,
      priceAmount: 15_000_000,
      createdAt: new Date(),
    };
    return reply.code(201).send(bookingAnswer(booking));
  });
  send({ kind: 'listening', url: await app.listen({ host: '127.0.0.1', port: 0 }) });
});
