import { isIP } from 'node:net';
import fastifyRateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';

/** Whom a request counts for, as far as only its address is known. Of IPv6 the first 64 bits count. */
export function addressOf({ ip, socket }: FastifyRequest): string {
  // A proxy may pass on anything; only an address becomes a key.
  return fastifyRateLimit.normalizeIP(isIP(ip) === 0 ? (socket.remoteAddress ?? '') : ip);
}
