import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What the proxy does with the bytes on their way. */
export type LinkMode =
  | { readonly kind: 'pass' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Nothing comes through in either direction, and neither end hears of it: a cable that was pulled. */
  | { readonly kind: 'silent' }
  /** Requests arrive and the server carries them out; replies are lost. */
  | { readonly kind: 'deaf' };

/** A TCP proxy before a server, which faults can switch while connections are in use. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  readonly setMode: (mode: LinkMode) => void;
  /** Ends every connection with a reset. @returns how many */
  readonly cut: () => number;
  /** Passes the next request with these bytes on, and loses every reply on its connection from then on. */
  readonly swallowReplyTo: (bytes: string) => void;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Its client waits for a reply that was dropped, so it cannot go on. */
  isBroken: boolean;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const links = new Set<Link>();
  let mode: LinkMode = { kind: 'pass' };
  let swallowing: string | undefined;

  const end = (link: Link): void => {
    if (!links.delete(link)) return;
    for (const socket of [link.client, link.server]) resetNow(socket);
  };
  const listener = createServer((client) => {
    const link: Link = { client, server: connect(targetPort, '127.0.0.1'), isBroken: false };
    links.add(link);
    const toServer = openPipe(link.server);
    const toClient = openPipe(client);
    if (mode.kind === 'silent') pauseLink(link, true);
    client.on('data', (bytes) => {
      if (swallowing !== undefined && bytes.includes(swallowing)) {
        link.isBroken = true;
        swallowing = undefined;
      }
      toServer(bytes, mode);
    });
    link.server.on('data', (bytes) => {
      if (mode.kind === 'deaf') link.isBroken = true;
      if (!link.isBroken) toClient(bytes, mode);
    });
    for (const socket of [client, link.server]) {
      socket.setNoDelay(true);
      // Either end may go at any time; the other end then goes the same way.
      socket.on('error', () => end(link));
      socket.on('close', () => end(link));
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    setMode: (next) => {
      const before = mode;
      mode = next;
      if (before.kind === 'deaf') for (const link of [...links].filter((one) => one.isBroken)) end(link);
      for (const link of links) pauseLink(link, next.kind === 'silent');
    },
    cut: () => {
      const count = links.size;
      for (const link of links) end(link);
      return count;
    },
    swallowReplyTo: (bytes) => {
      swallowing = bytes;
    },
    [Symbol.asyncDispose]: async () => {
      for (const link of links) end(link);
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/**
 * Node's `resetAndDestroy` ends the socket first, and a socket that fails meanwhile is never closed: a process with such a
 * socket cannot exit. So this sets the mark of `resetAndDestroy` and destroys at once. A socket that has ended is just closed.
 */
function resetNow(socket: Socket): void {
  if (!socket.writableEnded) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}

/** One direction of a connection. Delayed bytes stay before later bytes that are not delayed. */
function openPipe(to: Socket): (bytes: Buffer, mode: LinkMode) => void {
  let written = Promise.resolve();
  return (bytes, mode) => {
    const dueAt = performance.now() + (mode.kind === 'slow' ? mode.delayMs : 0);
    written = written.then(async () => {
      const waitMs = dueAt - performance.now();
      if (waitMs > 0) await delay(waitMs);
      if (to.writable) to.write(bytes);
    });
  };
}

function pauseLink({ client, server }: Link, isSilent: boolean): void {
  for (const socket of [client, server]) {
    if (isSilent) socket.pause();
    else socket.resume();
  }
}
