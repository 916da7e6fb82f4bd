import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { runChild } from '../rig/child-process.ts';
import { createMeter, type LoadTimes } from './load-meter.ts';

interface LiveSubscribersJob extends LoadTimes {
  readonly url: string;
  readonly eventId: string;
  readonly seatIds: readonly string[];
  readonly sockets: number;
  /** How many of the connections read their messages. */
  readonly readers: number;
  readonly changesPerSecond: number;
}

const seatsPerBooking = 10;
/** The service would refuse many at once before they are connected. */
const connectingAtOnce = 100;

/*
 * Connections that follow one event, and buyers that hold its seats and release them. The time of a change runs from
 * the sending of the request until a connection reads it, by one clock. Only the readers read, evenly among the others
 * since the service sends to one after the other; the rest take the bytes, as reading is not measured.
 */
runChild(async (job, send) => {
  const { url, eventId, seatIds, sockets, readers, changesPerSecond, ...times } = job as LiveSubscribersJob;
  /** The expected next status of each seat, and since when. */
  const expected = new Map<string, { readonly status: string; readonly sentAt: number }>();
  const connections: (WebSocket | Socket)[] = [];
  const meter = createMeter(times, send, () => {
    for (const connection of connections)
      if (connection instanceof WebSocket) connection.terminate();
      else connection.destroy();
  });
  const fail = (reason: unknown) => {
    if (!meter.hasEnded()) send({ kind: 'failed', reason: String(reason) });
  };
  const read = (text: string) => {
    const { seats } = JSON.parse(text) as { seats: { id: string; status: string }[] };
    for (const { id, status } of seats) {
      const change = expected.get(id);
      if (change?.status === status) meter.record('change', performance.now() - change.sentAt);
    }
  };
  const readerEvery = Math.floor(sockets / readers);
  const address = `${url}/api/v1/events/${eventId}/live`;
  for (let count = 0; count < sockets; count += connectingAtOnce) {
    const length = Math.min(connectingAtOnce, sockets - count);
    const batch = Array.from({ length }, async (_, index) =>
      (count + index) % readerEvery === 0 ? openReader(address, read) : openSilentClient(address),
    );
    connections.push(...(await Promise.all(batch)));
  }
  for (const connection of connections) connection.on('close', () => fail('the service closed a connection'));

  const call = async (method: string, path: string, body?: object): Promise<{ id: string }> => {
    const init = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${url}${path}`, { method, ...init });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { id: string };
  };
  const expectStatus = (ids: readonly string[], status: string) => {
    for (const id of ids) expected.set(id, { status, sentAt: performance.now() });
  };
  const holdAndRelease = async (ids: readonly string[], userId: string) => {
    expectStatus(ids, 'RESERVED');
    const held = await call('POST', '/api/v1/booking', { seatIds: ids, userId });
    await delay(1_000);
    if (meter.hasEnded()) return;
    expectStatus(ids, 'AVAILABLE');
    await call('DELETE', `/api/v1/booking/${held.id}`);
  };
  meter.begin();
  const everyMs = (1_000 * seatsPerBooking * 2) / changesPerSecond;
  const startedAt = performance.now();
  for (let turn = 0; !meter.hasEnded(); turn += 1) {
    await delay(Math.max(0, startedAt + turn * everyMs - performance.now()));
    const from = (turn * seatsPerBooking) % (seatIds.length - seatsPerBooking);
    void holdAndRelease(seatIds.slice(from, from + seatsPerBooking), `buyer-${turn}`).catch(fail);
  }
});

async function openReader(address: string, onMessage: (text: string) => void): Promise<WebSocket> {
  const socket = new WebSocket(address.replace('http:', 'ws:'));
  await new Promise((resolve, reject) => {
    socket.once('message', resolve);
    socket.once('error', reject);
  });
  return socket.on('message', (data: Buffer) => onMessage(data.toString()));
}

/** A masked, empty pong of a client: sent unasked it answers every ping so far (RFC 6455, section 5.5.3). */
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
/** Within the time between two pings of the service. */
const pongEveryMs = 10_000;

/** A WebSocket that takes its bytes and parses none, so that thousands of them leave CPU time for the service. */
async function openSilentClient(address: string): Promise<Socket> {
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
