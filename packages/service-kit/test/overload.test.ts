import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { waitFor } from '@ticketing/dev-stack';
import { addOverloadShedding } from '../src/index.ts';
import { buildService } from './fixtures/build-service.ts';
import { listen } from './fixtures/listen.ts';

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('a process that cannot keep up refuses at once, goes on telling how it is, and recovers', async () => {
  const { app } = buildService((service) => {
    addOverloadShedding(service);
    service.get('/work', () => ({ done: true }));
  });
  expect((await app.inject('/work')).statusCode).toBe(200);

  await waitFor(
    async () => {
      block(600);
      await nextTurn();
      return (await app.inject('/work')).statusCode === 503;
    },
    { description: 'the process to be overloaded' },
  );
  const startedAt = performance.now();
  const refused = await app.inject('/work');
  expect(performance.now() - startedAt).toBeLessThan(50);
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

test('a process takes so many connections and no more', async () => {
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

test('a connection is closed after 10,000 requests, in order', () => {
  expect(buildService().app.server.maxRequestsPerSocket).toBe(10_000);
});
