import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { waitFor } from '@ticketing/dev-stack';
import { WebSocket, WebSocketServer } from 'ws';
import { afterEach, describe, expect, it } from 'vitest';
import { LiveMessage } from '../src/live/live-message.ts';
import { LiveViewer, type DropReason } from '../src/live/live-viewer.ts';

const id = '01a2082d-7486-721a-9bc4-ee6c8ca29bc6';
const messageOf = (type: 'snapshot' | 'changes', seats: number) =>
  new LiveMessage({ type, version: 1, seats: Array.from({ length: seats }, () => ({ id, status: 'SOLD' })) });

let disconnect: () => void = () => undefined;
afterEach(() => disconnect());

/** A viewer and who sits at the other end of a real connection. */
async function connect({ mayBeBehindMs = 60_000 } = {}) {
  const server = createServer();
  const webSockets = new WebSocketServer({ noServer: true });
  const dropped: DropReason[] = [];
  const upgraded = new Promise<{ viewer: LiveViewer; socket: WebSocket }>((resolve) => {
    server.on('upgrade', (request, line, head) =>
      webSockets.handleUpgrade(request, line, head, (socket) => {
        const onDrop = (reason: DropReason) => void dropped.push(reason);
        resolve({ viewer: new LiveViewer(socket, line as Socket, { onDrop, mayBeBehindMs }), socket });
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const received: { type: string; seq: number; seats: unknown[] }[] = [];
  client.on('message', (data: Buffer) => void received.push(JSON.parse(data.toString()) as never));
  await once(client, 'open');
  disconnect = () => {
    client.terminate();
    server.close();
  };
  return { ...(await upgraded), client, received, dropped };
}

/** Until the systems at both ends take no more of what is not read. */
function fillUp(viewer: LiveViewer, socket: WebSocket): void {
  const message = messageOf('changes', 100);
  for (let sent = 0; socket.bufferedAmount === 0 && sent < 10_000; sent++) viewer.send(message);
  expect(socket.bufferedAmount).toBeGreaterThan(0);
}

describe('a message', () => {
  it('is the same memory for all connections, whatever its number is there', () => {
    const message = messageOf('changes', 2);
    const [one, other] = [message.framesAs(1), message.framesAs(27)];
    expect(other[1]).toBe(one[1]);
    expect(JSON.parse(other.join(''))).toMatchObject({ type: 'changes', seq: 27, seats: { length: 2 } });
  });
});

describe('a connection', () => {
  it('may have a large snapshot unsent behind a little that is, and changes behind that', async () => {
    const { viewer, socket, client, received, dropped } = await connect();
    client.pause();
    fillUp(viewer, socket);
    viewer.send(messageOf('snapshot', 20_000));
    viewer.send(messageOf('changes', 10));
    expect(dropped).toEqual([]);
    client.resume();
    await waitFor(() => received.at(-1)?.seats.length === 10, { description: 'all of it to be read' });
    expect(received.map(({ seq }) => seq)).toEqual(received.map((_, index) => index + 1));
  });

  it('that does not read may have no second snapshot unsent, nor more and more changes', async () => {
    for (const [type, seats] of [
      ['snapshot', 20_000],
      ['changes', 500],
    ] as const) {
      const { viewer, socket, client, dropped } = await connect();
      client.pause();
      fillUp(viewer, socket);
      viewer.send(messageOf('snapshot', 20_000));
      const limit = socket.bufferedAmount + 200_000;
      const message = messageOf(type, seats);
      for (let sent = 0; dropped.length === 0 && sent < 20; sent++) viewer.send(message);
      expect(dropped).toEqual(['slow']);
      expect(socket.bufferedAmount).toBeLessThan(limit + message.bytes);
      disconnect();
    }
  });

  it('is not called silent while a snapshot is on its way, for the question waits behind that', async () => {
    const { viewer, socket, client, received, dropped } = await connect();
    client.pause();
    fillUp(viewer, socket);
    viewer.send(messageOf('snapshot', 20_000));
    for (let asked = 0; asked < 3; asked++) viewer.ping();
    expect(dropped).toEqual([]);
    client.resume();
    await waitFor(() => received.at(-1)?.type === 'snapshot', { description: 'the snapshot to be read' });
  });

  it('is dropped when it has not read a snapshot after its time', async () => {
    const { viewer, socket, client, dropped } = await connect({ mayBeBehindMs: 50 });
    client.pause();
    fillUp(viewer, socket);
    viewer.send(messageOf('snapshot', 20_000));
    await waitFor(
      () => {
        viewer.ping();
        return dropped.length;
      },
      { description: 'it to be dropped' },
    );
    expect(dropped).toEqual(['slow']);
  });
});
