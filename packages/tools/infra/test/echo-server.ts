import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

/** A request as it arrived at a service behind the gateway. */
export interface Arrival {
  readonly service: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Distinguishes connections. */
  readonly fromPort: number;
}

export interface EchoServer extends AsyncDisposable {
  readonly port: number;
  /** How many requests it has taken. */
  readonly taken: () => number;
}

/**
 * Stands in for a service: answers with the request as it arrived, or takes it and never answers, or hangs up. A
 * WebSocket gets the name of the service and then an echo.
 *
 * @param port where it listens; any free one unless given
 */
export async function startEchoServer(
  service: string,
  manner: 'echo' | 'silence' | 'hang-up' = 'echo',
  port = 0,
): Promise<EchoServer> {
  let taken = 0;
  const server = createServer((request, response) => {
    const { method = '', url = '', headers, socket } = request;
    const arrival: Arrival = { service, method, url, headers, fromPort: socket.remotePort ?? 0 };
    request.resume();
    request.once('end', () => {
      taken += 1;
      if (manner === 'hang-up') socket.destroy();
      if (manner !== 'echo') return;
      response.setHeader('content-type', 'application/json');
      response.setHeader('x-request-id', String(headers['x-request-id']));
      response.end(JSON.stringify(arrival));
    });
  });
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.send(service);
    socket.on('message', (data) => socket.send(data));
  });
  server.keepAliveTimeout = 60_000;
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    taken: () => taken,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
