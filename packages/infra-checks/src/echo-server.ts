import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
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

export interface EchoServer extends AsyncDisposable {
  readonly port: number;
  readonly server: Server;
}

/** In place of a service: answers each request with what it saw of it; upgrades become an echo of bytes. */
export async function startEchoServer(service: string, delayMs = 0): Promise<EchoServer> {
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
      setTimeout(() => {
        response.setHeader('content-type', 'application/json');
        response.setHeader('x-request-id', String(request.headers['x-request-id']));
        response.end(JSON.stringify(arrival));
      }, delayMs);
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
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    server,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
