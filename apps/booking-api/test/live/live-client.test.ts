import { waitFor } from '@ticketing/testkit';
import type { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { LiveMessage } from '../../src/live/live-message.ts';
import type { LiveViewer } from '../../src/live/live-viewer.ts';
import { SendTurns } from '../../src/live/send-turns.ts';
import { openLiveConnection } from '../fixtures/live-connection.ts';

const id = '01a2082d-7486-721a-9bc4-ee6c8ca29bc6';
const messageOf = (type: 'snapshot' | 'changes', seats: number) =>
  new LiveMessage({ type, version: 1, seats: Array.from({ length: seats }, () => ({ id, status: 'SOLD' })) });
const nobodyWaits = () => undefined;

/** Until the systems at both ends take no more of what is not read. */
function fillUp(viewer: LiveViewer, socket: WebSocket): void {
  const message = messageOf('changes', 100);
  for (let sent = 0; socket.bufferedAmount === 0 && sent < 10_000; sent++) viewer.send(message);
  expect(socket.bufferedAmount).toBeGreaterThan(0);
}

describe('a message', () => {
  it('is the same memory for all connections, whatever its number is there', () => {
    const message = messageOf('changes', 1_000);
    const [one, other] = [message.frameAs(1), message.frameAs(27)];
    expect(other[1]).toBe(one[1]);
    const [[, first]] = [...messageOf('snapshot', 1).piecesAs(1)] as [[Buffer, Buffer | undefined]];
    expect(first).toBeUndefined();
  });

  it('that is small is one piece of memory for all who have had the same number of messages', () => {
    const message = messageOf('changes', 2);
    expect(message.frameAs(3)).toBe(message.frameAs(3));
    expect(message.frameAs(4)[0].toString()).toContain('"seq":4,');
  });

  // Lengths are written in three ways; a snapshot comes in one frame, or in several.
  it.each([0, 1, 2, 200, 250, 800, 900, 4_000, 10_000])(
    'of %s seats comes whole, at once and in pieces',
    async (seats) => {
      using connection = await openLiveConnection();
      const { viewer, received, dropped } = connection;
      await viewer.show(messageOf('snapshot', seats), new SendTurns(), nobodyWaits);
      viewer.send(messageOf('changes', seats));
      await waitFor(() => received.length === 2, { description: 'both messages' });
      expect(received.map(({ type, seq, seats: told }) => [type, seq, told.length])).toEqual([
        ['snapshot', 1, seats],
        ['changes', 2, seats],
      ]);
      expect(dropped).toEqual([]);
    },
  );
});

describe('a connection', () => {
  it('is sent a snapshot as it takes it, and others need not wait for a slow one', async () => {
    using connection = await openLiveConnection();
    const { viewer, socket, client, received, dropped } = connection;
    client.pause();
    fillUp(viewer, socket);
    const before = socket.bufferedAmount;
    let isSlow = false;
    const showing = viewer.show(messageOf('snapshot', 20_000), new SendTurns(), () => (isSlow = true));
    await waitFor(() => isSlow, { description: 'others to be let go first' });
    expect(socket.bufferedAmount).toBeLessThan(before + 300_000);
    expect(dropped).toEqual([]);
    client.resume();
    await showing;
    await waitFor(() => received.at(-1)?.seats.length === 20_000, { description: 'all of it to be read' });
    expect(received.map(({ seq }) => seq)).toEqual(received.map((_, index) => index + 1));
  });

  it('may have many changes unsent, and as much again behind them', async () => {
    using connection = await openLiveConnection();
    const { viewer, socket, client, received, dropped } = connection;
    client.pause();
    fillUp(viewer, socket);
    viewer.send(messageOf('changes', 20_000));
    viewer.send(messageOf('changes', 19_000));
    expect(dropped).toEqual([]);
    client.resume();
    await waitFor(() => received.at(-1)?.seats.length === 19_000, { description: 'all of it to be read' });
  });

  it.each([
    ['many changes', 20_000, 500],
    ['few', 100, 500],
  ])('that does not read %s has no more and more of them unsent', async (_name, seats, more) => {
    using connection = await openLiveConnection();
    const { viewer, socket, client, dropped } = connection;
    client.pause();
    fillUp(viewer, socket);
    const first = messageOf('changes', seats);
    viewer.send(first);
    const limit = 2 * first.bytes + 200_000;
    const message = messageOf('changes', more);
    for (let sent = 0; dropped.length === 0 && sent < 60; sent++) viewer.send(message);
    expect(dropped).toEqual(['slow']);
    expect(socket.bufferedAmount).toBeLessThan(limit + message.bytes);
  });

  it('is not called silent while a snapshot is on its way, for the question waits behind that', async () => {
    using connection = await openLiveConnection();
    const { viewer, socket, client, received, dropped } = connection;
    client.pause();
    fillUp(viewer, socket);
    void viewer.show(messageOf('snapshot', 20_000), new SendTurns(), nobodyWaits);
    for (let asked = 0; asked < 3; asked++) viewer.ping();
    expect(dropped).toEqual([]);
    client.resume();
    await waitFor(() => received.at(-1)?.type === 'snapshot', { description: 'the snapshot to be read' });
  });

  it('is dropped when it has not read a snapshot after its time', async () => {
    using connection = await openLiveConnection({ mayBeBehindMs: 50 });
    const { viewer, socket, client, dropped } = connection;
    client.pause();
    fillUp(viewer, socket);
    const showing = viewer.show(messageOf('snapshot', 20_000), new SendTurns(), nobodyWaits);
    await waitFor(
      () => {
        viewer.ping();
        return dropped.length;
      },
      { description: 'it to be dropped' },
    );
    expect(dropped).toEqual(['slow']);
    await showing;
  });

  it('that fails is given up, and nobody else hears of it', async () => {
    using connection = await openLiveConnection();
    const { viewer, line, dropped, failures } = connection;
    const failure = new Error('the line is cut');
    line.write = () => {
      throw failure;
    };
    await viewer.show(messageOf('snapshot', 1), new SendTurns(), nobodyWaits);
    expect(dropped).toEqual(['broken']);
    expect(failures).toEqual([failure]);
    for (const use of [() => viewer.send(messageOf('changes', 1)), () => viewer.ping(), () => viewer.close()])
      expect(use).not.toThrow();
    expect(dropped).toHaveLength(1);
  });
});
