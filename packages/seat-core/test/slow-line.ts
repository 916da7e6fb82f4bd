import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export interface SlowLine extends AsyncDisposable {
  readonly port: number;
  /** How long each answer is under way from now on. */
  delayMs: number;
}

/** A line to a port of this machine on which answers may take their time; whatever breaks one end breaks the other. */
export async function openSlowLine(port: number): Promise<SlowLine> {
  const line = { delayMs: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(target);
    target
      .pipe(
        new Transform({ transform: (chunk, _, done) => void setTimeout(done, line.delayMs, null, chunk) }),
      )
      .pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(line, {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}
