import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { bookingSchema, idSchema } from '@ticketing/service-kit';
import { Queue } from 'bullmq';
import fastify, { type FastifyReply } from 'fastify';
import { Redis } from 'ioredis';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { runPart } from '../parts/run-part.ts';

export interface PageServiceJob {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

interface PageSeatRow {
  readonly event_id: string;
  readonly section: string;
  readonly row: string;
  readonly number: number;
  readonly price_amount: number;
}

const holdSeconds = 120;

/*
 * A booking as the architecture page writes it down, step by step, on Fastify, pg and BullMQ. It is given what costs it
 * nothing: prepared statements, a pool, auto-pipelining to Redis, no log, no limiter, no metrics, and an update that
 * looks whether the seat is free, which the page forgets. Each step still waits for the one before it.
 */
runPart(async (job, tell) => {
  const { databaseUrl, redisUrl } = job as PageServiceJob;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 16 });
  const redis = new Redis(redisUrl, { enableAutoPipelining: true });
  // A Redis that is stopped under us tells the command that is waiting, too.
  redis.on('error', () => undefined);
  const queue = new Queue('page-cleanup', { connection: new Redis(redisUrl) });
  queue.on('error', () => undefined);
  const app = fastify().withTypeProvider<TypeBoxTypeProvider>();
  const body = Type.Object({ seatId: idSchema, userId: Type.String() }, { additionalProperties: false });
  app.post(
    '/api/v1/booking',
    { schema: { body, response: { 201: bookingSchema } } },
    async (request, reply) => {
      const { seatId, userId } = request.body;
      if ((await redis.get(`status:seat:${seatId}`)) !== null) return refuse(reply);
      const lock = `lock:seat:${seatId}`;
      if ((await redis.set(lock, userId, 'EX', 5, 'NX')) === null) return refuse(reply);
      try {
        const booking = await reserve(pool, seatId, userId);
        if (booking === undefined) return await refuse(reply);
        await queue.add(
          'cleanup',
          { bookingId: booking.id, seatId },
          { delay: holdSeconds * 1_000, removeOnComplete: true, attempts: 3 },
        );
        await redis.set(`status:seat:${seatId}`, 'RESERVED');
        await redis.del('seats:available');
        return await reply.code(201).send(booking);
      } finally {
        await redis.del(lock);
      }
    },
  );
  tell({ kind: 'listening', url: await app.listen({ host: '127.0.0.1', port: 0 }) });
});

async function refuse(reply: FastifyReply): Promise<FastifyReply> {
  return reply.code(400).send({ message: 'Kursi sudah dipesan!' });
}

async function reserve(pool: pg.Pool, seatId: string, userId: string) {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const { rows } = await client.query<PageSeatRow>({
      name: 'page-reserve',
      text: `update page_seats set status = 'RESERVED' where id = $1 and status = 'AVAILABLE'
        returning event_id, section, row, number, price_amount::int`,
      values: [seatId],
    });
    const [seat] = rows;
    if (seat === undefined) {
      await client.query('rollback');
      return undefined;
    }
    const id = uuidv7();
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + holdSeconds * 1_000);
    await client.query({
      name: 'page-book',
      text: `insert into page_bookings (id, seat_id, user_id, status, created_at, expires_at)
        values ($1, $2, $3, 'PENDING', $4, $5)`,
      values: [id, seatId, userId, createdAt, expiresAt],
    });
    await client.query('commit');
    return toBooking({ id, seatId, userId, createdAt, expiresAt }, seat);
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

interface PageBooking {
  readonly id: string;
  readonly seatId: string;
  readonly userId: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

function toBooking({ id, seatId, userId, createdAt, expiresAt }: PageBooking, seat: PageSeatRow) {
  const price = { amount: seat.price_amount, currency: 'IDR' };
  const { event_id: eventId, section, row, number } = seat;
  return {
    id,
    eventId,
    userId,
    status: 'PENDING' as const,
    seats: [{ id: seatId, eventId, section, row, number, price, status: 'RESERVED' as const }],
    total: price,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    expiresInSeconds: holdSeconds,
    confirmedAt: null,
  };
}
