import { LogController, type FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';

/** What a service of the steps has besides when it is to run in the open. */
export interface StepsLimits {
  /** Requests of a user in a window; of an address ten times as many. */
  readonly max: number;
  readonly logFile: string;
}

const windowMs = 60_000;
const addressFactor = 10;

/** Counts a request in the window of its key. */
const countInWindow = `
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count`;

/** Writes one line per request, when its answer is sent. */
export class OneLinePerRequest extends LogController {
  override incomingRequest(): void {}
}

/** Counts each request for its address and for its user, one after the other, as the engine did on 29 November. */
export function addLimits(app: FastifyInstance, redis: Redis, max: number): void {
  redis.defineCommand('countInWindow', { numberOfKeys: 1, lua: countInWindow });
  const counting = redis as Redis & { countInWindow: (key: string, windowMs: number) => Promise<number> };
  app.addHook('onRequest', async ({ ip }, reply) => {
    const count = await counting.countInWindow(`limit:address:${ip}`, windowMs);
    if (count > max * addressFactor) return reply.code(429).send({ message: 'Terlalu banyak permintaan' });
  });
  app.addHook('preHandler', async ({ body }, reply) => {
    const { userId } = body as { readonly userId: string };
    const count = await counting.countInWindow(`limit:user:${userId}`, windowMs);
    if (count > max) return reply.code(429).send({ message: 'Terlalu banyak permintaan' });
  });
}
