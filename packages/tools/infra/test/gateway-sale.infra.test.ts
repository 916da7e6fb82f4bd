import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import getPort from 'get-port';
import {
  auditViolations,
  createTestStack,
  repositoryRoot,
  servicePorts,
  startService,
  waitFor,
  type RunningService,
  type TestStack,
} from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Buyers } from '../src/buyers.ts';
import { makeEvent } from '../src/make-event.ts';
import { runSql } from '../src/run-sql.ts';
import type { Gateway } from '../src/start-gateway.ts';
import { startInFrontOf } from './gateway-probes.ts';

const seatsForSale = 30_000;

/** Each process is stopped once; one of each kind is also killed. */
const ends = [
  ['stop', 'booking-api 1'],
  ['stop', 'booking-api 2'],
  ['stop', 'payment-api 1'],
  ['stop', 'payment-api 2'],
  ['kill', 'booking-api 1'],
  ['kill', 'payment-api 2'],
] as const;
type Place = (typeof ends)[number][1];
const statusAfter = { stop: { code: 0, signal: null }, kill: { code: null, signal: 'SIGKILL' } };

let stack: TestStack;
let gateway: Gateway;
let seatIds: string[];
const services = new Map<Place, RunningService>();
const ports = new Map<Place, number>();

async function startAt(place: Place): Promise<void> {
  const name = place.startsWith('booking') ? 'booking-api' : 'payment-api';
  const port = ports.get(place) ?? (await getPort({ host: '127.0.0.1' }));
  ports.set(place, port);
  const service = await startService(name, {
    [servicePorts[name].variable]: String(port),
    DATABASE_URL: stack.serviceUrl,
    REDIS_URL: stack.redisUrl,
    HOLD_SECONDS: '60',
    TRUSTED_PROXIES: '127.0.0.1',
    SHUTDOWN_DELAY_SECONDS: '1',
  });
  services.set(place, service);
}

beforeAll(async () => {
  stack = await createTestStack();
  seatIds = await makeEvent(stack, seatsForSale / 100);
  for (const [, place] of ends.slice(0, 4)) await startAt(place);
  const portsOf = (name: string) =>
    [...ports].filter(([place]) => place.startsWith(name)).map(([, port]) => port);
  gateway = await startInFrontOf(portsOf('booking-api'), portsOf('payment-api'));
}, 180_000);
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const service of services.values()) await service[Symbol.asyncDispose]();
  await stack.dispose();
});

it.each(['infra/gateway/environment/upstreams.conf', 'infra/kubernetes/base/upstreams.conf'])(
  'the gateway closes a kept connection before a service does: %s',
  async (path) => {
    const text = await readFile(join(repositoryRoot, path), 'utf8');
    const kept = [...text.matchAll(/^ *keepalive_timeout (\d+)s;$/gm)].map(([, seconds]) => Number(seconds));
    expect(kept).toHaveLength(text.match(/^upstream /gm)?.length ?? 0);
    for (const { url } of services.values()) {
      const { headers } = await fetch(`${url}/health/live`);
      const seconds = Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1]);
      // Seconds to spare for a request that is on its way when the service would close.
      expect(seconds - Math.max(...kept)).toBeGreaterThan(5);
    }
  },
);

/** A client of the live feed through the gateway, and the types of the messages it has received. */
async function followEvent(): Promise<{ readonly socket: WebSocket; readonly types: string[] }> {
  const [event] = await runSql<{ id: string }>(stack.databaseUrl, 'select id from events');
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/api/v1/events/${event!.id}/live`);
  const types: string[] = [];
  socket.on('message', (data: Buffer) => types.push((JSON.parse(data.toString()) as { type: string }).type));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return { socket, types };
}

describe('a sale through the gateway', () => {
  it('a sale through the gateway goes on while each process is stopped or killed, and started again', async () => {
    const stopping = new AbortController();
    const ways = [{ url: gateway.url }];
    const buyers = new Buyers({ size: 16, ways, nextSeat: () => seatIds.pop() });
    const sale = buyers.buy(stopping.signal);
    const expectSales = async (description: string): Promise<void> => {
      const before = buyers.sold;
      await waitFor(() => buyers.sold >= before + 60, { description, timeoutMs: 20_000 });
    };
    const countUnknown = () => buyers.retries.filter((code) => code.endsWith('(unknown)')).length;

    const client = await followEvent();
    await expectSales('the first seats to be sold');
    await waitFor(() => client.types.includes('changes'), {
      description: 'a client of the live feed to see the sale',
      timeoutMs: 10_000,
    });
    expect(client.types[0]).toBe('snapshot');
    client.socket.terminate();

    const unknown = { stop: 0, kill: 0 };
    for (const [end, place] of ends) {
      const before = countUnknown();
      expect(await services.get(place)![end]()).toEqual(statusAfter[end]);
      await expectSales(`seats to be sold after the ${end} of ${place}`);
      await startAt(place);
      await expectSales(`seats to be sold with ${place} back after its ${end}`);
      unknown[end] += countUnknown() - before;
    }
    stopping.abort();
    await sale;

    const { purchases, failures, retries } = buyers;
    const codes = Object.fromEntries(
      [...new Set(retries)].map((code) => [code, retries.filter((other) => other === code).length]),
    );
    console.log(
      `${purchases.length} seats sold; requests sent again: ${JSON.stringify(codes)}; outcome unknown: ${JSON.stringify(unknown)}`,
    );
    // Each request that failed was retryable, and succeeded when it was sent again.
    expect(failures).toEqual([]);
    expect(new Set(purchases.map(({ seatId }) => seatId)).size).toBe(purchases.length);
    const [counts] = await runSql<{ confirmed: number; sold: number }>(
      stack.databaseUrl,
      `select (select count(*)::int from bookings where id = any($1) and status = 'CONFIRMED') as confirmed,
                (select count(*)::int from seats where status = 'SOLD') as sold`,
      [purchases.map(({ bookingId }) => bookingId)],
    );
    expect(counts).toEqual({ confirmed: purchases.length, sold: purchases.length });
    expect(await auditViolations(stack.databaseUrl)).toEqual([]);
  });
});
