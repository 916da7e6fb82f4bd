import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { bookingSchema, idSchema } from '@ticketing/service-kit';
import fastify from 'fastify';
import { runPart } from '../parts/run-part.ts';

/** What Fastify alone can do: reads and checks the body of a booking, and writes the answer of one, always the same. */
runPart(async (_job, tell) => {
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
    return reply.code(201).send(bookingOf(seatIds, body.userId ?? ''));
  });
  tell({ kind: 'listening', url: await app.listen({ host: '127.0.0.1', port: 0 }) });
});

function bookingOf(seatIds: readonly string[], userId: string) {
  const price = { amount: 150_000, currency: 'IDR' };
  const at = new Date();
  return {
    id: '0190163d-8694-739b-aea5-966c26f8ad91',
    eventId: '0190163d-8694-739b-aea5-966c26f8ad90',
    userId,
    status: 'PENDING' as const,
    seats: seatIds.map((id) => ({
      id,
      eventId: '0190163d-8694-739b-aea5-966c26f8ad90',
      section: 'A',
      row: '1',
      number: 1,
      price,
      status: 'RESERVED' as const,
    })),
    total: { amount: price.amount * seatIds.length, currency: price.currency },
    createdAt: at.toISOString(),
    expiresAt: new Date(at.getTime() + 120_000).toISOString(),
    expiresInSeconds: 120,
    confirmedAt: null,
  };
}
