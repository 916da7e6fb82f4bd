import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What arrived at a service behind the gateway. */
export interface Arrival {
  readonly service: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Tells connections apart. */
  readonly fromPort: number;
}

/** It answers with what it saw; or takes the request and never answers, or hangs up. */
type Manner = 'echo' | 'silence' | 'hang-up';

export interface EchoServer extends AsyncDisposable {
  readonly port: number;
  /** How many requests it has taken. */
  readonly taken: () => number;
}

/**
 * In place of a service; upgrades become an echo of bytes.
 *
 * @param port where it listens; any that is free unless given
 */
export async function startEchoServer(
  service: string,
  manner: Manner = 'echo',
  port = 0,
): Promise<EchoServer> {
  let taken = 0;
  const server = createServer((request, response) => {
    const arrival: Arrival = {
      service,
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      fromPort: request.socket.remotePort ?? 0,
    };
    request.resume();
    request.once('end', () => {
      taken += 1;
      if (manner === 'hang-up') request.socket.destroy();
      if (manner !== 'echo') return;
      response.setHeader('content-type', 'application/json');
      response.setHeader('x-request-id', String(request.headers['x-request-id']));
      response.end(JSON.stringify(arrival));
    });
  });
  server.on('upgrade', (request, socket) => {
    const { upgrade } = request.headers;
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\nx-from: ${service}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    taken: () => taken,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
