import type { FastifyReply } from 'fastify';

/**
 * Ends the measuring and logging of a request that becomes something else: Node's response of it would be open for
 * as long as the connection is, and be taken for an answer that took hours.
 */
export function tellUpgraded(reply: FastifyReply): void {
  reply.raw.statusCode = 101;
  reply.raw.emit('close');
}
