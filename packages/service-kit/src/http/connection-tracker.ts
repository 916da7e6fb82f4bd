import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Knows each connection of a server and the answers it still owes. */
export interface ConnectionTracker {
  /** The answers that a connection owes, oldest first. */
  readonly owedOn: (socket: Socket) => readonly ServerResponse[];
  /** Destroys the connections that owe nothing. */
  readonly cutIdle: () => void;
  /** Destroys all connections. @returns how many answers were lost with them */
  readonly cutAll: () => number;
}

/**
 * Node's own `closeIdleConnections` spares a socket that never sent a request, and after
 * `server.close()` no time-out of Node's ends it: one silent client would hold the process for good.
 */
export function trackConnections(server: Server): ConnectionTracker {
  const owed = new Map<Socket, Set<ServerResponse>>();

  server.on('connection', (socket: Socket) => {
    owed.set(socket, new Set());
    socket.once('close', () => owed.delete(socket));
  });
  server.on('request', (request, response) => {
    const responses = owed.get(request.socket);
    responses?.add(response);
    response.once('close', () => responses?.delete(response));
  });

  return {
    owedOn: (socket) => [...(owed.get(socket) ?? [])],
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
