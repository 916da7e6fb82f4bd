import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';

/** Of a client, so with a mask, of nothing: sent unasked it answers whatever ping there was (RFC 6455, section 5.5.3). */
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
/** Within the time between two pings of the service. */
const pongEveryMs = 10_000;

/** A WebSocket that takes what it is sent and reads none of it, so that thousands of them leave time for the service. */
export async function openLiveLine(address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    request(address, {
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
    })
      .on('upgrade', (_response, socket: Socket, head) => {
        const alive = setInterval(() => socket.write(pong), pongEveryMs);
        socket.on('error', () => undefined).on('close', () => clearInterval(alive));
        const begin = () => {
          socket.on('data', () => undefined);
          resolve(socket);
        };
        if (head.length > 0) begin();
        else socket.once('data', begin);
      })
      .on('response', ({ statusCode }) => reject(new Error(`the upgrade was answered with ${statusCode}`)))
      .on('error', reject)
      .end();
  });
}
