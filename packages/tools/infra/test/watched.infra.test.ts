import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createPrivateStack,
  deadlineFactor,
  repositoryRoot,
  startReplica,
  startService,
  waitFor,
  type PostgresServer,
  type PrivateStack,
  type RunningService,
} from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Crowd } from '../src/crowd.ts';
import { drawPanels } from '../src/draw-panels.ts';
import { fillPanel } from '../src/fill-panel.ts';
import { makeHall } from '../src/make-hall.ts';
import { readDashboards } from '../src/read-dashboards.ts';
import { startPrometheus, type Prometheus } from '../src/start-prometheus.ts';
import { runSql } from './databases.ts';
import { makeRunFolder } from './run-folder.ts';

/*
 * The services under load, a real Prometheus that watches them by the rules of infra/prometheus, and every query of
 * the dashboards asked of it: first while all is well, then with Redis gone. UPDATE_PICTURES=1 draws docs/pictures anew.
 */

const panels = await readDashboards();
const picturesFolder = join(repositoryRoot, 'docs/pictures');
const shoppers = 8;

let stack: PrivateStack;
let replica: PostgresServer;
let prometheus: Prometheus;
const services: RunningService[] = [];
const closing = new AbortController();
let crowd: Crowd;
let sale: Promise<unknown>;
const viewers: WebSocket[] = [];

beforeAll(async () => {
  stack = await createPrivateStack();
  replica = await startReplica(stack);
  const { databaseUrl, redisUrl } = stack;
  const env = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    HOLD_SECONDS: '3',
    RATE_LIMIT_MAX: '0',
    MAX_HELD_SEATS_PER_USER: '1000',
    LOG_LEVEL: 'warn',
  };
  for (const name of ['booking-api', 'booking-api', 'payment-api', 'expiry-worker'] as const) {
    const own = name === 'booking-api' ? { DATABASE_REPLICA_URL: replica.url('postgres') } : {};
    services.push(await startService(name, { ...env, ...own }));
  }
  const addressesOf = (name: string) =>
    services.filter((service) => service.name === name).map(({ port }) => `127.0.0.1:${port}`);
  prometheus = await startPrometheus({
    folder: await makeRunFolder('prometheus'),
    targets: {
      'booking-api': addressesOf('booking-api'),
      'payment-api': addressesOf('payment-api'),
      'expiry-worker': addressesOf('expiry-worker'),
    },
  });
  const seatIds = await makeHall(stack, 400);
  const paymentUrl = services[2]!.url;
  crowd = new Crowd({
    size: shoppers,
    ways: services.slice(0, 2).map(({ url }) => ({ url, paymentUrl })),
    // Two in three want one of the first hundred seats of what is left: races are lost.
    nextSeat: () => (Math.random() < 0.66 ? seatIds[Math.floor(Math.random() * 100)] : seatIds.pop()),
    pays: () => Math.random() < 0.7,
    pauseMs: 20,
  });
  viewers.push(...(await watchLive()));
  sale = crowd.shop(closing.signal);
}, 240_000);
afterAll(async () => {
  closing.abort();
  for (const viewer of viewers) viewer.terminate();
  await sale;
  await prometheus[Symbol.asyncDispose]();
  for (const service of services) await service[Symbol.asyncDispose]();
  await replica.stop();
  await stack.dispose();
});

/** Somebody who follows the sale at each booking-api. */
async function watchLive(): Promise<WebSocket[]> {
  const apis = services.filter(({ name }) => name === 'booking-api');
  const { events } = (await (await fetch(`${apis[0]!.url}/api/v1/events`)).json()) as {
    events: { id: string }[];
  };
  return apis.map(({ url }) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/events/${events[0]!.id}/live`);
    // Ended by us at the end, perhaps before it was ever open.
    socket.on('error', () => undefined);
    return socket;
  });
}

const now = () => Date.now() / 1000;

async function drawPicture(
  file: string,
  title: string,
  from: number,
  marks: Record<string, number>,
): Promise<void> {
  const to = now();
  const filled = await Promise.all(panels.map((panel) => fillPanel(prometheus, panel, from, to)));
  const picture = drawPanels(title, filled, { from, to, marks });
  const path = join(picturesFolder, file);
  if (process.env['UPDATE_PICTURES'] !== undefined) {
    await mkdir(picturesFolder, { recursive: true });
    await writeFile(path, picture);
  }
  // Drawn from other moments it differs in its lines, not in what it shows.
  const titlesOf = (text: string) =>
    [...text.matchAll(/font-weight="bold">([^<]*)</g)].map(([, words]) => words);
  expect(titlesOf(await readFile(path, 'utf8'))).toEqual(titlesOf(picture));
}

describe('while all is well', () => {
  it.each(panels.flatMap((panel) => panel.queries.map((query) => ({ ...panel, ...query }))))(
    '"$title" is answered with data: $expression',
    async ({ expression }) => {
      const samples = await waitFor(
        async () => {
          const found = await prometheus.query(expression);
          // What nobody asks for now has no percentile; what somebody does must have one.
          return found.some(({ points }) => Number.isFinite(points[0]?.[1])) && found;
        },
        { description: `data for ${expression}`, timeoutMs: 30_000, intervalMs: 250 },
      );
      expect(samples).not.toEqual([]);
    },
    120_000,
  );

  it('a query of what there is not has no answer, and a broken one is refused', async () => {
    expect(await prometheus.query('sum(rate(bookings_made_total[1m]))')).toEqual([]);
    await expect(prometheus.query('sum(rate(bookings_total[1m])')).rejects.toThrow('parse error');
  });

  it('no alert fires', async () => {
    const startedAt = now() - 25;
    await waitFor(async () => now() - startedAt > 45, { description: '45 s of load', timeoutMs: 60_000 });
    expect(await prometheus.listAlerts('firing')).toEqual([]);
    await drawPicture('healthy.svg', 'All is well', startedAt, {});
  }, 120_000);
});

describe('with Redis gone', () => {
  it(
    'sales go on, the alert fires and clears, and the dashboards show both',
    async () => {
      const goneAt = now();
      await stack.redis.kill();
      const before = crowd.sold;
      await waitFor(async () => (await prometheus.listAlerts('firing')).includes('CircuitOpen'), {
        description: 'the alert that Redis is away',
        timeoutMs: 40_000,
        intervalMs: 500,
      });
      expect(crowd.sold).toBeGreaterThan(before);
      expect(await prometheus.query('max(redis_circuit_open) == 1')).not.toEqual([]);
      const backAt = now();
      await stack.redis.start();
      await waitFor(async () => !(await prometheus.listAlerts('firing')).includes('CircuitOpen'), {
        description: 'the alert to clear',
        timeoutMs: 40_000,
        intervalMs: 500,
      });
      await waitFor(() => now() - backAt > 10, { description: '10 s with Redis', timeoutMs: 20_000 });
      await drawPicture('redis-gone.svg', 'Redis is gone, and comes back', goneAt - 12, {
        gone: goneAt,
        back: backAt,
      });
    },
    180_000 * deadlineFactor(),
  );
});

describe('with a replica that stands still', () => {
  it('sales go on, its lag is seen, and the alert is on its way until it moves again', async () => {
    const url = replica.url('postgres');
    const before = crowd.sold;
    await runSql(url, 'select pg_wal_replay_pause()');
    const isPending = async () => (await prometheus.listAlerts('pending')).includes('ReplicaBehind');
    await waitFor(isPending, { description: 'ReplicaBehind', timeoutMs: 30_000, intervalMs: 250 });
    const [lag] = await prometheus.query('max(replica_lag_seconds)');
    expect(lag?.points[0]?.[1]).toBeGreaterThan(5);
    expect(crowd.sold).toBeGreaterThan(before);
    await runSql(url, 'select pg_wal_replay_resume()');
    await waitFor(async () => !(await isPending()), {
      description: 'the replica to be right again',
      timeoutMs: 30_000,
      intervalMs: 250,
    });
  }, 120_000);
});
