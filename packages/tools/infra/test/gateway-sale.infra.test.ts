import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import getPort from 'get-port';
import {
  auditViolations,
  createTestStack,
  deadlineFactor,
  repositoryRoot,
  startService,
  waitFor,
  type RunningService,
  type ServiceName,
  type TestStack,
} from '@ticketing/testkit';
import { openDatabase, type Database } from '@ticketing/seat-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Crowd } from '../src/crowd.ts';
import { makeHall } from '../src/make-hall.ts';
import { startGateway, type Gateway } from '../src/start-gateway.ts';
import { makeRunFolder } from './run-folder.ts';

const seatsForSale = 30_000;
const shoppers = 16;

/** Each process is stopped in order once; one of each kind is also killed. */
const ends = [
  ['stop', 'booking-api 1'],
  ['stop', 'booking-api 2'],
  ['stop', 'payment-api 1'],
  ['stop', 'payment-api 2'],
  ['kill', 'booking-api 1'],
  ['kill', 'payment-api 2'],
] as const;
const statusAfter = { stop: { code: 0, signal: null }, kill: { code: null, signal: 'SIGKILL' } };

let stack: TestStack;
let database: Database;
let gateway: Gateway;
let seatIds: string[];
/** What runs behind the gateway, by its place. */
const services = new Map<string, RunningService>();
const places: { readonly place: string; readonly name: ServiceName; readonly port: number }[] = [];

async function startAt({ place, name, port }: (typeof places)[number]): Promise<void> {
  const variable = name === 'booking-api' ? 'BOOKING_API_PORT' : 'PAYMENT_API_PORT';
  const service = await startService(name, {
    [variable]: String(port),
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
  database = openDatabase({ databaseUrl: stack.databaseUrl, poolMax: 1 });
  seatIds = await makeHall(stack, seatsForSale / 100);
  for (const name of ['booking-api', 'payment-api'] as const) {
    for (const number of [1, 2]) {
      places.push({ place: `${name} ${number}`, name, port: await getPort({ host: '127.0.0.1' }) });
    }
  }
  for (const place of places) await startAt(place);
  const portsOf = (name: ServiceName) =>
    places.filter((place) => place.name === name).map(({ port }) => port);
  gateway = await startGateway({
    folder: await makeRunFolder('gateway-sale'),
    bookingPorts: portsOf('booking-api'),
    paymentPorts: portsOf('payment-api'),
  });
}, 180_000);
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const service of services.values()) await service[Symbol.asyncDispose]();
  await database.$client.end();
  await stack.dispose();
});

async function statusOf(bookingIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await database.$client.query<{ status: string; n: number }>(
    'select status, count(*)::int as n from bookings where id = any($1) group by status',
    [bookingIds],
  );
  return new Map(rows.map(({ status, n }) => [status, n]));
}

/** A viewer of the event through the gateway, and the types of the messages it has had. */
async function watchLive(): Promise<{ readonly socket: WebSocket; readonly types: string[] }> {
  const { rows } = await database.$client.query<{ id: string }>('select id from events');
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/api/v1/events/${rows[0]!.id}/live`);
  const types: string[] = [];
  socket.on('message', (data: Buffer) => types.push((JSON.parse(data.toString()) as { type: string }).type));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return { socket, types };
}

describe('a connection that is kept', () => {
  it.each(['infra/gateway/environment/upstreams.conf', 'infra/kubernetes/base/upstreams.conf'])(
    'is let go by the gateway before a service closes it: %s',
    async (path) => {
      const text = await readFile(join(repositoryRoot, path), 'utf8');
      const kept = [...text.matchAll(/^ *keepalive_timeout (\d+)s;$/gm)].map(([, seconds]) =>
        Number(seconds),
      );
      expect(kept).toHaveLength(text.match(/^upstream /gm)?.length ?? 0);
      for (const { url } of services.values()) {
        const { headers } = await fetch(`${url}/health/live`);
        const bySeconds = Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1]);
        // Seconds to spare for a request that is on its way while the service would close.
        expect(bySeconds - Math.max(...kept)).toBeGreaterThan(5);
      }
    },
  );
});

describe('a sale through the gateway', () => {
  it(
    'goes on while each process is stopped, or killed, and started in turn',
    async () => {
      const stopping = new AbortController();
      const crowd = new Crowd({
        size: shoppers,
        ways: [{ url: gateway.url }],
        nextSeat: () => seatIds.pop(),
      });
      const sale = crowd.shop(stopping.signal);
      const progress = async (description: string): Promise<void> => {
        const before = crowd.sold;
        await waitFor(() => crowd.sold >= before + 60, { description, timeoutMs: 20_000 });
      };

      const viewer = await watchLive();
      await progress('the first seats to be sold');
      await waitFor(() => viewer.types.includes('changes'), {
        description: 'a viewer of the live feed to see the sale',
        timeoutMs: 10_000,
      });
      expect(viewer.types[0]).toBe('snapshot');
      viewer.socket.terminate();

      const doubts = { stop: 0, kill: 0 };
      for (const [end, name] of ends) {
        const place = places.find((candidate) => candidate.place === name)!;
        const before = countDoubts(crowd);
        expect(await services.get(name)![end]()).toEqual(statusAfter[end]);
        await progress(`seats to be sold after the ${end} of ${name}`);
        await startAt(place);
        await progress(`seats to be sold with ${name} back after its ${end}`);
        doubts[end] += countDoubts(crowd) - before;
      }
      stopping.abort();
      await sale;

      const { purchases, failures, retries } = crowd;
      console.log(
        `${purchases.length} seats sold, ${retries.length} requests tried again: ${JSON.stringify(tally(retries))}; in doubt: ${JSON.stringify(doubts)}`,
      );
      // Whatever failed was retryable, and the second try of the same request was good.
      expect(failures).toEqual([]);
      expect(new Set(purchases.map(({ seatId }) => seatId)).size).toBe(purchases.length);
      expect(await statusOf(purchases.map(({ bookingId }) => bookingId))).toEqual(
        new Map([['CONFIRMED', purchases.length]]),
      );
      const { rows } = await database.$client.query<{ n: number }>(
        `select count(*)::int as n from seats where status = 'SOLD'`,
      );
      expect(rows[0]?.n).toBe(purchases.length);
      expect(await auditViolations(stack.databaseUrl)).toEqual([]);
    },
    240_000 * deadlineFactor(),
  );
});

/** Requests whose outcome nobody could tell. */
function countDoubts({ retries }: Crowd): number {
  return retries.filter((code) => code.endsWith('(unknown)')).length;
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
