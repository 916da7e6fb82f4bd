import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { runPart } from '../parts/run-part.ts';
import { LoadMeter, type LoadTimes } from './load-meter.ts';
import { openLiveLine } from './open-live-line.ts';

interface LiveViewersJob extends LoadTimes {
  readonly url: string;
  readonly eventId: string;
  readonly seatIds: readonly string[];
  readonly sockets: number;
  readonly changesPerSecond: number;
}

/**
 * So many of all connections read what they are sent, evenly among the others, since a change is sent to one after the
 * other; the rest only take it, as reading is not what is measured.
 */
const readers = 20;
const seatsPerBooking = 10;
/** Many at once would be refused before they are connected. */
const connectingAtOnce = 100;

/*
 * Connections that follow one hall, and buyers who hold its seats and give them back. How long a change takes is told by
 * one clock: from the sending of the request until it is read on a connection.
 */
runPart(async (input, tell) => {
  const { url, eventId, seatIds, sockets, changesPerSecond, ...times } = input as LiveViewersJob;
  /** What each seat is to become, and since when. */
  const awaited = new Map<string, { readonly status: string; readonly sentAt: number }>();
  const open: (WebSocket | Socket)[] = [];
  let hasEnded = false;
  const meter = new LoadMeter(times, tell, () => {
    hasEnded = true;
    for (const line of open)
      if (line instanceof WebSocket) line.terminate();
      else line.destroy();
  });
  const read = (text: string) => {
    const { seats } = JSON.parse(text) as { seats: { id: string; status: string }[] };
    for (const { id, status } of seats) {
      const change = awaited.get(id);
      if (change?.status === status) meter.record('change', performance.now() - change.sentAt);
    }
  };
  const everyNth = Math.floor(sockets / readers);
  const connect = async (index: number): Promise<WebSocket | Socket> => {
    const address = `${url}/api/v1/events/${eventId}/live`;
    if (index % everyNth !== 0) return openLiveLine(address);
    const socket = await openWebSocket(address);
    socket.on('message', (data: Buffer) => read(data.toString()));
    return socket;
  };
  for (let count = 0; count < sockets; count += connectingAtOnce) {
    const batch = Array.from({ length: Math.min(connectingAtOnce, sockets - count) }, (_, index) =>
      connect(count + index),
    );
    open.push(...(await Promise.all(batch)));
  }
  for (const line of open) {
    line.on('close', () => {
      if (!hasEnded) tell({ kind: 'failed', reason: 'a connection was closed' });
    });
  }

  meter.begin();
  const everyMs = (1_000 * seatsPerBooking * 2) / changesPerSecond;
  const startedAt = performance.now();
  for (let turn = 0; !meter.hasEnded(); turn += 1) {
    await delay(Math.max(0, startedAt + turn * everyMs - performance.now()));
    const from = (turn * seatsPerBooking) % (seatIds.length - seatsPerBooking);
    void holdAndRelease(seatIds.slice(from, from + seatsPerBooking), `buyer-${turn}`).catch(
      (error: unknown) => {
        if (!hasEnded) tell({ kind: 'failed', reason: String(error) });
      },
    );
  }

  async function holdAndRelease(ids: readonly string[], userId: string): Promise<void> {
    expect(ids, 'RESERVED');
    const held = await ask('POST', '/api/v1/booking', { seatIds: ids, userId });
    await delay(1_000);
    if (hasEnded) return;
    expect(ids, 'AVAILABLE');
    await ask('DELETE', `/api/v1/booking/${held.id}`);
  }

  function expect(ids: readonly string[], status: string): void {
    for (const id of ids) awaited.set(id, { status, sentAt: performance.now() });
  }

  async function ask(method: string, path: string, body?: object): Promise<{ id: string }> {
    const init = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${url}${path}`, { method, ...init });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { id: string };
  }
});

async function openWebSocket(address: string): Promise<WebSocket> {
  const socket = new WebSocket(address.replace('http:', 'ws:'));
  await new Promise((resolve, reject) => {
    socket.once('message', resolve);
    socket.once('error', reject);
  });
  return socket;
}
