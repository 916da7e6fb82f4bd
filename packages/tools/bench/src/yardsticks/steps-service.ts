import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { bookingSchema, idSchema } from '@ticketing/service-kit';
import { Queue } from 'bullmq';
import fastify, { type FastifyReply } from 'fastify';
import { Redis } from 'ioredis';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { runChild } from '../rig/child-process.ts';
import { bookingAnswer, holdSeconds } from './booking-answer.ts';
import { addLimits, OneLinePerRequest, type StepsLimits } from './steps-limits.ts';

interface StepsServiceJob {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Default none, and no log. */
  readonly limits?: StepsLimits;
}

interface StepsSeatRow {
  readonly event_id: string;
  readonly section: string;
  readonly row: string;
  readonly number: number;
  readonly price_amount: number;
}

/*
 * A booking as steps one by one: status key, lock, transaction, clean-up job, status key, list, lock. It has the
 * advantages that cost nothing: prepared statements, a pool, auto-pipelining to Redis, no metrics; and no log and no limiter
 * unless it is asked for them. The update checks that the seat is free. Each step still waits for the step before it.
 */
runChild(async (job, send) => {
  const { databaseUrl, redisUrl, limits } = job as StepsServiceJob;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 16 });
  const redis = new Redis(redisUrl, { enableAutoPipelining: true });
  // The waiting command reports the end of Redis, too.
  redis.on('error', () => undefined);
  const queue = new Queue('steps-cleanup', { connection: new Redis(redisUrl) });
  queue.on('error', () => undefined);
  const log = limits && {
    logger: { level: 'info', file: limits.logFile },
    logController: new OneLinePerRequest(),
  };
  const app = fastify({ ...log }).withTypeProvider<TypeBoxTypeProvider>();
  if (limits !== undefined) addLimits(app, redis, limits.max);
  const body = Type.Object({ seatId: idSchema, userId: Type.String() }, { additionalProperties: false });
  const schema = { body, response: { 201: bookingSchema } };
  app.post('/api/v1/booking', { schema }, async (request, reply) => {
    const { seatId, userId } = request.body;
    if ((await redis.get(`status:seat:${seatId}`)) !== null) return refuse(reply);
    const lock = `lock:seat:${seatId}`;
    if ((await redis.set(lock, userId, 'EX', 5, 'NX')) === null) return refuse(reply);
    try {
      const booking = await reserve(pool, seatId, userId);
      if (booking === undefined) return await refuse(reply);
      const options = { delay: holdSeconds * 1_000, removeOnComplete: true, attempts: 3 };
      await queue.add('cleanup', { bookingId: booking.id, seatId }, options);
      await redis.set(`status:seat:${seatId}`, 'RESERVED');
      await redis.del('seats:available');
      return await reply.code(201).send(booking);
    } finally {
      await redis.del(lock);
    }
  });
  send({ kind: 'listening', url: await app.listen({ host: '127.0.0.1', port: 0 }) });
});

async function refuse(reply: FastifyReply): Promise<FastifyReply> {
  return reply.code(400).send({ message: 'Kursi sudah dipesan!' });
}

async function reserve(pool: pg.Pool, seatId: string, userId: string) {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const { rows } = await client.query<StepsSeatRow>({
      name: 'steps-reserve',
      text: `update steps_seats set status = 'RESERVED' where id = $1 and status = 'AVAILABLE'
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
    await client.query({
      name: 'steps-book',
      text: `insert into steps_bookings (id, seat_id, user_id, status, created_at, expires_at)
        values ($1, $2, $3, 'PENDING', $4, $5)`,
      values: [id, seatId, userId, createdAt, new Date(createdAt.getTime() + holdSeconds * 1_000)],
    });
    await client.query('commit');
    const { event_id: eventId, price_amount: priceAmount, section, row, number } = seat;
    const seats = [{ id: seatId, section, row, number }];
    return bookingAnswer({ id, eventId, userId, seats, priceAmount, createdAt });
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}
