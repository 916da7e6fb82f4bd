import { request } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface RequestToExchange {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
}

/** Sends a request on a connection of its own and throws the answer away. @returns its status, or why none came */
export async function exchange({
  url,
  body,
  headers,
  timeoutMs = 60_000,
  ...rest
}: RequestToExchange): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(url, {
      agent: false,
      ...rest,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      signal: AbortSignal.timeout(timeoutMs),
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.on('response', (response) => {
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      response.on('end', () => resolve(String(response.statusCode)));
      response.resume();
    });
    sent.end(body);
  });
}

/** A connection on which one text is written at once; reads nothing yet. */
export function openLine(url: string, text: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname, () => socket.write(text));
  // A reset also closes it.
  socket.on('error', () => undefined);
  return socket;
}

export function handshakeOf(url: string, path: string): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  );
}
