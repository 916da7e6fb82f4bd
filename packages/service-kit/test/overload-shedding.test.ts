import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { deadlineFactor, waitFor, withinDeadline } from '@ticketing/testkit';
import { overloadShedding } from '../src/limits/overload-shedding.ts';
import { buildService } from './fixtures/build-service.ts';
import { listen } from './fixtures/listen.ts';

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('an overloaded process refuses at once, still answers health and metrics, and recovers', async () => {
  const { app } = buildService((service) => {
    service.register(overloadShedding);
    service.get('/work', () => ({ done: true }));
  });
  expect((await app.inject('/work')).statusCode).toBe(200);

  const isRefused = async () => (await app.inject('/work')).statusCode === 503;
  const standStill = async () => {
    block(600);
    await nextTurn();
  };
  await standStill();
  await standStill();
  // Slow without a crowd: refusing one request would not help.
  expect(await isRefused()).toBe(false);
  await waitFor(
    async () => {
      await standStill();
      await Promise.all(Array.from({ length: 100 }, isRefused));
      return isRefused();
    },
    { description: 'the process to be overloaded' },
  );
  const refused = await withinDeadline('a refusal', 50, () => app.inject('/work'));
  expect(refused.headers['retry-after']).toBe('1');
  expect(refused.json()).toMatchObject({ code: 'OVERLOADED', retryable: true });
  for (const url of ['/health/live', '/health/ready', '/metrics']) {
    expect((await app.inject(url)).statusCode).toBe(200);
  }

  await waitFor(async () => (await app.inject('/work')).statusCode === 200, {
    description: 'the process to recover',
  });
  await app.close();
}, 30_000);

test('of a crowd within one turn of the event loop as many are served as there is time for', async () => {
  const { app } = buildService((service) => {
    service.register(overloadShedding);
    service.get('/work', () => {
      block(1);
      return { done: true };
    });
  });
  const { connect } = await listen(app);
  const crowd = [];
  while (crowd.length < 400) crowd.push(await connect());
  // All of them have arrived at the next turn of the service.
  for (const client of crowd) client.send('GET /work HTTP/1.1\r\nhost: x\r\n\r\n');
  const answers = await Promise.all(crowd.map((client) => client.until('HTTP/1.1 ')));
  const statuses = answers.map((answer) => Number(answer.slice(9, 12)));
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  // Fewer than a hundred are no crowd.
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(99);
});

interface CrowdAnswer {
  readonly ms: number;
  readonly status: number;
}

test('at twice its capacity a process refuses some requests, and admitted ones keep their time', async () => {
  const workMs = 2;
  const { app } = buildService((service) => {
    service.register(overloadShedding);
    service.get('/work', () => {
      block(workMs);
      return { done: true };
    });
  });
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  // Enough connections to make each wait for 3 s if all were admitted.
  const crowd = fork(new URL('fixtures/crowd.mjs', import.meta.url), [
    port,
    '1000',
    String(2_000 / workMs),
    '3',
  ]);
  const [answers] = (await once(crowd, 'message')) as [CrowdAnswer[]];
  await app.close();

  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
  const timesOf = (wanted: number) =>
    answers
      .filter(({ status }) => status === wanted)
      .map(({ ms }) => ms)
      .toSorted((a, b) => a - b);
  const medianOf = (times: readonly number[]) => `${times[Math.floor(times.length / 2)]!.toFixed(0)} ms`;
  const admitted = timesOf(200);
  const refused = timesOf(503);
  const slowest = admitted.at(-1)!;
  console.log(
    `${admitted.length} of ${answers.length} admitted, half of them within ${medianOf(admitted)}, the slowest after ${slowest.toFixed(0)} ms; half of those refused within ${medianOf(refused)}`,
  );
  expect(slowest).toBeLessThan(2_000 * deadlineFactor());
}, 30_000);

test('a process refuses connections beyond its maximum', async () => {
  const { app } = buildService();
  expect(app.server.maxConnections).toBe(10_000);
  app.server.maxConnections = 3;
  const { connect } = await listen(app);
  const taken = [await connect(), await connect(), await connect()];
  const refused = await connect();
  expect(await refused.closed()).toBe('');
  taken[0]!.send('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
  expect(await taken[0]!.until('live')).toContain('200 OK');
});

test('a connection closes after 10,000 requests', () => {
  expect(buildService().app.server.maxRequestsPerSocket).toBe(10_000);
});
