import { waitFor } from '@ticketing/testkit';
import type { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import type { LiveClient } from '../../src/live/live-client.ts';
import { LiveMessage } from '../../src/live/live-message.ts';
import { SendTurns, UnsentBytes } from '../../src/live/send-pacing.ts';
import { openClientPair } from '../fixtures/client-pair.ts';

const id = '01a2082d-7486-721a-9bc4-ee6c8ca29bc6';
const messageOf = (type: 'snapshot' | 'delta', seats: number) =>
  new LiveMessage({ type, version: 1, seats: Array.from({ length: seats }, () => ({ id, status: 'SOLD' })) });
const keepLane = () => undefined;

/** Until the operating systems at both ends take no more unread bytes. */
function fillUp(client: LiveClient, socket: WebSocket): void {
  const message = messageOf('delta', 100);
  for (let sent = 0; socket.bufferedAmount === 0 && sent < 10_000; sent++) client.send(message);
  expect(socket.bufferedAmount).toBeGreaterThan(0);
}

describe('LiveMessage', () => {
  it('shares the memory of a large message among all clients, whatever its seq', () => {
    const message = messageOf('delta', 1_000);
    const [one, other] = [message.frameAs(1), message.frameAs(27)];
    expect(other[1]).toBe(one[1]);
    const [[, first]] = [...messageOf('snapshot', 1).piecesAs(1)] as [[Buffer, Buffer | undefined]];
    expect(first).toBeUndefined();
  });

  it('shares the copy of a small message among clients with the same seq', () => {
    const message = messageOf('delta', 2);
    expect(message.frameAs(3)).toBe(message.frameAs(3));
    expect(message.frameAs(4)[0].toString()).toContain('"seq":4,');
  });

  // A frame writes its length in one of three ways; a snapshot comes in one frame or in several.
  it.each([0, 1, 2, 200, 250, 800, 900, 4_000, 10_000])(
    'a message of %s seats arrives whole, sent at once and in pieces',
    async (seats) => {
      using pair = await openClientPair();
      const { client, received, dropped } = pair;
      await client.sendSnapshot(messageOf('snapshot', seats), new SendTurns(), keepLane);
      client.send(messageOf('delta', seats));
      await waitFor(() => received.length === 2, { description: 'both messages' });
      expect(received.map(({ type, seq, seats: { length } }) => [type, seq, length])).toEqual([
        ['snapshot', 1, seats],
        ['changes', 2, seats],
      ]);
      expect(dropped).toEqual([]);
    },
  );
});

describe('LiveClient', () => {
  it('sends a snapshot as fast as the browser reads, and gives the lane of a slow one away', async () => {
    using pair = await openClientPair();
    const { client, socket, browser, received, dropped } = pair;
    browser.pause();
    fillUp(client, socket);
    const before = socket.bufferedAmount;
    let isSlow = false;
    const sending = client.sendSnapshot(
      messageOf('snapshot', 20_000),
      new SendTurns(),
      () => (isSlow = true),
    );
    await waitFor(() => isSlow, { description: 'the lane to be given away' });
    expect(socket.bufferedAmount).toBeLessThan(before + 300_000);
    expect(dropped).toEqual([]);
    browser.resume();
    await sending;
    await waitFor(() => received.at(-1)?.seats.length === 20_000, { description: 'all of it to be read' });
    expect(received.map(({ seq }) => seq)).toEqual(received.map((_, index) => index + 1));
  });

  it('keeps a client with a large delta unsent, and with as many bytes again behind it', async () => {
    using pair = await openClientPair();
    const { client, socket, browser, received, dropped } = pair;
    browser.pause();
    fillUp(client, socket);
    client.send(messageOf('delta', 20_000));
    client.send(messageOf('delta', 19_000));
    expect(dropped).toEqual([]);
    browser.resume();
    await waitFor(() => received.at(-1)?.seats.length === 19_000, { description: 'all of it to be read' });
  });

  it.each([
    ['large', 20_000, 500],
    ['small', 100, 500],
  ])(
    'drops a client that does not read %s deltas as slow, with a bounded number of bytes unsent',
    async (_name, seats, more) => {
      using pair = await openClientPair();
      const { client, socket, browser, dropped } = pair;
      browser.pause();
      fillUp(client, socket);
      const first = messageOf('delta', seats);
      client.send(first);
      const limit = 2 * first.bytes + 200_000;
      const message = messageOf('delta', more);
      for (let sent = 0; dropped.length === 0 && sent < 60; sent++) client.send(message);
      expect(dropped).toEqual(['slow']);
      expect(socket.bufferedAmount).toBeLessThan(limit + message.bytes);
    },
  );

  it('drops clients that do not read while all clients together have too much unsent, and none that reads', async () => {
    const unsent = new UnsentBytes(100_000);
    using one = await openClientPair({ unsent });
    using other = await openClientPair({ unsent });
    using reading = await openClientPair({ unsent });
    const idle = [one, other];
    for (const { client, socket, browser } of idle) {
      browser.pause();
      fillUp(client, socket);
    }
    const message = messageOf('delta', 10);
    const isDropped = () => idle.some(({ dropped }) => dropped.length > 0);
    for (let sent = 0; sent < 400 && !isDropped(); sent++)
      for (const { client } of idle) client.send(message);
    // Alone each may have more than twice as much.
    expect(idle.map(({ dropped }) => dropped)).toContainEqual(['slow']);
    for (const { socket } of idle) expect(socket.bufferedAmount).toBeLessThan(100_000 + message.bytes);
    reading.client.send(message);
    await waitFor(() => reading.received.length === 1, { description: 'the message to be read' });
    expect(reading.dropped).toEqual([]);
    for (const { browser } of idle) browser.terminate();
    await waitFor(() => unsent.total === 0, { description: 'nothing to be unsent' });
  });

  it('counts nothing that all clients share as unsent', async () => {
    const unsent = new UnsentBytes(10_000);
    using pair = await openClientPair({ unsent });
    const { client, socket, browser, dropped } = pair;
    browser.pause();
    fillUp(client, socket);
    const before = unsent.total;
    expect(before).toBeGreaterThan(0);
    client.send(messageOf('delta', 20_000));
    // The header and the number of the message are its own.
    expect(unsent.total).toBeLessThan(before + 100);
    expect(dropped).toEqual([]);
  });

  it('does not drop a client as silent while a snapshot is on its way, because the ping waits behind it', async () => {
    using pair = await openClientPair();
    const { client, socket, browser, received, dropped } = pair;
    browser.pause();
    fillUp(client, socket);
    void client.sendSnapshot(messageOf('snapshot', 20_000), new SendTurns(), keepLane);
    for (let pings = 0; pings < 3; pings++) client.ping();
    expect(dropped).toEqual([]);
    browser.resume();
    await waitFor(() => received.at(-1)?.type === 'snapshot', { description: 'the snapshot to be read' });
  });

  it('drops a client that has not read a snapshot after the maximum lag', async () => {
    using pair = await openClientPair({ maxLagMs: 50 });
    const { client, socket, browser, dropped } = pair;
    browser.pause();
    fillUp(client, socket);
    const sending = client.sendSnapshot(messageOf('snapshot', 20_000), new SendTurns(), keepLane);
    await waitFor(
      () => {
        client.ping();
        return dropped.length;
      },
      { description: 'the client to be dropped' },
    );
    expect(dropped).toEqual(['slow']);
    await sending;
  });

  it('drops a client whose connection fails as broken, and throws at no caller', async () => {
    using pair = await openClientPair();
    const { client, line, dropped, failures } = pair;
    const failure = new Error('connection lost');
    line.write = () => {
      throw failure;
    };
    await client.sendSnapshot(messageOf('snapshot', 1), new SendTurns(), keepLane);
    expect(dropped).toEqual(['broken']);
    expect(failures).toEqual([failure]);
    for (const use of [() => client.send(messageOf('delta', 1)), () => client.ping(), () => client.close()])
      expect(use).not.toThrow();
    expect(dropped).toHaveLength(1);
  });
});
