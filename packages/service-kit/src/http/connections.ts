import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { namedPlugin } from './http-service.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether the process was signalled to stop, or the service has begun to close. */
    isStopping: () => boolean;
  }
}

/** Knows each connection of a server and the answers it still owes. */
export interface ConnectionTracker {
  /** The answers that a connection owes, oldest first. */
  readonly owedOn: (socket: Socket) => readonly ServerResponse[];
  /** How many answers a connection owes. */
  readonly countOwedOn: (socket: Socket) => number;
  /** How many answers all connections owe together. */
  readonly owed: () => number;
  /** Destroys the connections that owe nothing. */
  readonly cutIdle: () => void;
  /** Destroys all connections. @returns how many answers were lost with them */
  readonly cutAll: () => number;
}

/**
 * Node's own `closeIdleConnections` spares a socket that never sent a request, and after `server.close()` no timeout of
 * Node's ends it: one silent client would hold the process for good.
 */
export function trackConnections(server: Server): ConnectionTracker {
  const owed = new Map<Socket, Set<ServerResponse>>();
  let count = 0;

  server.on('connection', (socket: Socket) => {
    const responses = new Set<ServerResponse>();
    owed.set(socket, responses);
    socket.once('close', () => {
      owed.delete(socket);
      count -= responses.size;
      responses.clear();
    });
  });
  server.on('request', (request, response) => {
    const responses = owed.get(request.socket);
    if (responses === undefined) return;
    responses.add(response);
    count += 1;
    response.once('close', () => {
      if (responses.delete(response)) count -= 1;
    });
  });

  return {
    owedOn: (socket) => [...(owed.get(socket) ?? [])],
    countOwedOn: (socket) => owed.get(socket)?.size ?? 0,
    owed: () => count,
    cutIdle: () => {
      for (const [socket, responses] of owed) if (responses.size === 0) socket.destroy();
    },
    cutAll: () => {
      let lost = 0;
      for (const [socket, responses] of owed) {
        lost += responses.size;
        socket.destroy();
      }
      return lost;
    },
  };
}

/** A last request on a connection that seemed idle, and plugins that send a closing message, get this long. */
const idleGraceMs = 250;
/** Requests in flight when the closing begins get this long; all but creating an event need under two seconds. */
const inFlightGraceMs = 5_000;

export interface ClosingOptions {
  readonly connections: ConnectionTracker;
  /** Aborted when the process is signalled to stop. */
  readonly stopping: AbortSignal | undefined;
  readonly logger: FastifyBaseLogger;
}

/** Closes connections quickly and without losing a request, as soon as the service stops. */
export const connectionClosing = namedPlugin<ClosingOptions>(
  { name: 'connection-closing', after: ['request-context'] },
  (app, { connections, stopping, logger }) => {
    let isClosing = false;
    app.decorate('isStopping', () => isClosing || (stopping?.aborted ?? false));
    app.addHook('onSend', (_request, reply, _payload, done) => {
      // Without this a client that keeps its connection alive holds app.close() up until the timeout.
      if (app.isStopping()) reply.header('connection', 'close');
      done();
    });
    app.addHook('preClose', (done) => {
      isClosing = true;
      setTimeout(() => connections.cutIdle(), idleGraceMs).unref();
      setTimeout(() => {
        const lost = connections.cutAll();
        if (lost > 0) logger.warn({ lost }, 'requests cut off: still in flight 5 s after the close began');
      }, inFlightGraceMs).unref();
      done();
    });
  },
);
