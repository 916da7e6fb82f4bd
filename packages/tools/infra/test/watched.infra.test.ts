import { once } from 'node:events';
import {
  createPrivateStack,
  serviceNames,
  startReplica,
  startService,
  waitFor,
  type PostgresServer,
  type PrivateStack,
  type RunningService,
} from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Buyers } from '../src/buyers.ts';
import { readPanelQueries } from '../src/checks/grafana.ts';
import { makeEvent } from '../src/make-event.ts';
import { runSql } from '../src/run-sql.ts';
import { startPrometheus, type Prometheus, type Sample } from '../src/start-prometheus.ts';
import { makeRunFolder } from './run-folder.ts';

/*
 * The services under load, watched by a real Prometheus with the rules of infra/prometheus. It is asked every query of
 * the dashboards in infra/grafana while all is well, with Redis gone, and with a replica that stands still.
 */

const queries = await readPanelQueries();

let stack: PrivateStack;
let replica: PostgresServer;
let prometheus: Prometheus;
const services: RunningService[] = [];
const closing = new AbortController();
let buyers: Buyers;
let sale: Promise<unknown>;
const clients: WebSocket[] = [];

beforeAll(async () => {
  stack = await createPrivateStack();
  replica = await startReplica(stack);
  const env = {
    DATABASE_URL: stack.databaseUrl,
    REDIS_URL: stack.redisUrl,
    HOLD_SECONDS: '3',
    RATE_LIMIT_MAX: '0',
    MAX_HELD_SEATS_PER_USER: '1000',
    LOG_LEVEL: 'warn',
  };
  for (const name of ['booking-api', ...serviceNames] as const) {
    const own = name === 'booking-api' ? { DATABASE_REPLICA_URL: replica.url('postgres') } : {};
    services.push(await startService(name, { ...env, ...own }));
  }
  const all = (wanted: string) => services.filter(({ name }) => name === wanted);
  prometheus = await startPrometheus({
    folder: await makeRunFolder('prometheus'),
    targets: Object.fromEntries(serviceNames.map((name) => [name, all(name)])),
  });
  const seatIds = await makeEvent(stack, 400);
  buyers = new Buyers({
    size: 8,
    ways: all('booking-api').map(({ url }) => ({ url, paymentUrl: all('payment-api')[0]!.url })),
    // Two in three buyers want one of the first hundred seats that are left, and most of them lose the race.
    nextSeat: () => (Math.random() < 0.66 ? seatIds[Math.floor(Math.random() * 100)] : seatIds.pop()),
    pays: () => Math.random() < 0.7,
    pauseMs: 20,
  });
  const [event] = await runSql<{ id: string }>(stack.databaseUrl, 'select id from events');
  const followFrom = async (url: string): Promise<WebSocket> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/events/${event!.id}/live`);
    await once(socket, 'open');
    return socket;
  };
  for (const { url } of all('booking-api'))
    clients.push(await waitFor(() => followFrom(url), { description: 'the live feed', timeoutMs: 20_000 }));
  sale = buyers.buy(closing.signal);
}, 600_000);
afterAll(async () => {
  closing.abort();
  for (const client of clients) client.terminate();
  await sale;
  await prometheus[Symbol.asyncDispose]();
  for (const service of services) await service[Symbol.asyncDispose]();
  await replica.stop();
  await stack.dispose();
});

/** No worker can count the jobs of a queue that is away. */
const withoutRedis = ['Clean-up jobs'];

const now = () => Date.now() / 1000;

function waitForAlert(name: string, state: 'pending' | 'firing', isThere: boolean): Promise<boolean> {
  return waitFor(async () => (await prometheus.listAlerts(state)).includes(name) === isThere, {
    description: `the alert ${name} to be ${state}: ${isThere}`,
    timeoutMs: 40_000,
    intervalMs: 250,
  });
}

describe('while all is well', () => {
  it.each(queries)('the panel "$panel" has data: $expr', async ({ expr, legendFormat }) => {
    let samples: Sample[] = [];
    const description = `data for ${expr}`;
    await waitFor(
      async () => {
        samples = await prometheus.query(expr);
        // A route without requests has no percentile now; one with requests must have one.
        return samples.some(({ value }) => Number.isFinite(value));
      },
      { description, timeoutMs: 30_000, intervalMs: 250 },
    );
    // `or vector(0)` has no labels.
    const named = samples.map(({ labels }) => labels).filter((labels) => Object.keys(labels).length > 0);
    for (const [, label = ''] of legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g))
      for (const labels of named) expect(labels).toHaveProperty(label);
  });

  it('a query of an unknown metric has no data, and a broken query is refused', async () => {
    expect(await prometheus.query('sum(rate(bookings_made_total[1m]))')).toEqual([]);
    await expect(prometheus.query('sum(rate(bookings_total[1m])')).rejects.toThrow('parse error');
  });

  it('no alert fires in a healthy sale', async () => {
    const startedAt = now() - 25;
    await waitFor(() => now() - startedAt > 45, { description: '45 s of load', timeoutMs: 60_000 });
    expect(await prometheus.listAlerts('firing')).toEqual([]);
  });
});

describe('with Redis gone', () => {
  it('sales go on, the dashboards still answer, and the alert CircuitOpen fires until Redis is back', async () => {
    await stack.redis.kill();
    const before = buyers.sold;
    await waitForAlert('CircuitOpen', 'firing', true);
    expect(buyers.sold).toBeGreaterThan(before);
    expect(await prometheus.query('max(redis_circuit_open) == 1')).not.toEqual([]);
    const empty = new Set<string>();
    for (const { panel, expr } of queries) if ((await prometheus.query(expr)).length === 0) empty.add(panel);
    expect([...empty]).toEqual(withoutRedis);
    await stack.redis.start();
    await waitForAlert('CircuitOpen', 'firing', false);
  });
});

describe('with a replica that stands still', () => {
  it('sales go on, and the alert ReplicaBehind is pending until the replica moves again', async () => {
    const url = replica.url('postgres');
    const before = buyers.sold;
    await runSql(url, 'select pg_wal_replay_pause()');
    await waitForAlert('ReplicaBehind', 'pending', true);
    const [lag] = await prometheus.query('max(replica_lag_seconds)');
    expect(lag?.value).toBeGreaterThan(5);
    expect(buyers.sold).toBeGreaterThan(before);
    await runSql(url, 'select pg_wal_replay_resume()');
    await waitForAlert('ReplicaBehind', 'pending', false);
  });
});
