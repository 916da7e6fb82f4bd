import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { buildService } from './fixtures/build-service.ts';
import { listen } from './fixtures/listen.ts';
import { parseAnswer } from './fixtures/raw-client.ts';

const build = (overrides = {}) =>
  buildService((app) => {
    app.get('/slow', async () => {
      await sleep(400);
      return { slow: true };
    });
  }, overrides);

const get = (path: string) => [`GET ${path} HTTP/1.1`, 'host: x', 'connection: keep-alive', '', ''];

/** @returns how long the close took, in milliseconds */
async function timeToClose(app: { close: () => Promise<unknown> }): Promise<number> {
  const startedAt = performance.now();
  await app.close();
  return performance.now() - startedAt;
}

test('a close answers requests in flight on keep-alive connections, with connection: close', async () => {
  const { app } = build();
  const { connect } = await listen(app);
  const clients = await Promise.all(Array.from({ length: 20 }, connect));
  for (const client of clients) client.send(...get('/slow'));
  await sleep(100);

  expect(await timeToClose(app)).toBeLessThan(3_000);
  for (const client of clients) {
    const answer = parseAnswer(await client.closed());
    expect(answer.status).toBe(200);
    expect(answer.headers['connection']).toBe('close');
    expect(JSON.parse(answer.body)).toEqual({ slow: true });
  }
});

test('idle keep-alive connections do not delay the close', async () => {
  const { app } = build();
  const { connect } = await listen(app);
  const client = await connect();
  client.send(...get('/health/live'));
  await client.until('live');
  expect(await timeToClose(app)).toBeLessThan(3_000);
});

test('connections without a whole request do not delay the close', async () => {
  const { app } = build();
  const { connect } = await listen(app);
  await connect();
  const half = await connect();
  half.send('GET /slow HT');
  await sleep(50);
  expect(await timeToClose(app)).toBeLessThan(3_000);
  await half.closed();
});

test('a close serves a request whose first half had arrived before', async () => {
  const { app } = build();
  const { connect } = await listen(app);
  const client = await connect();
  client.send('GET /slow HTTP/1.1', 'host: x', '');
  await sleep(50);
  const closing = app.close();
  await sleep(50);
  client.send('', '');
  await closing;
  const answer = parseAnswer(await client.closed());
  expect(answer).toMatchObject({ status: 200, body: '{"slow":true}' });
  expect(answer.headers).toMatchObject({ connection: 'close', 'x-request-id': expect.any(String) as string });
});

test('closes connections from the stop signal on, and still takes new ones', async () => {
  const stopping = new AbortController();
  const { app } = build({ stopping: stopping.signal });
  const { connect } = await listen(app);
  const early = await connect();
  early.send(...get('/health/live'));
  expect(parseAnswer(await early.until('live')).headers['connection']).toBe('keep-alive');
  stopping.abort();
  early.received = '';
  early.send(...get('/slow'));
  expect(parseAnswer(await early.closed()).headers['connection']).toBe('close');
  const late = await connect();
  late.send(...get('/health/ready'));
  expect(parseAnswer(await late.closed())).toMatchObject({ status: 503, body: '{"status":"stopping"}' });
});

test(
  'a close cuts off requests that take longer than five seconds, and logs it',
  { timeout: 15_000 },
  async () => {
    const { app, lines } = buildService((service) => {
      service.get('/endless', () => sleep(60_000, undefined, { ref: false }));
    });
    const { connect } = await listen(app);
    const client = await connect();
    client.send(...get('/endless'));
    await sleep(100);
    const took = await timeToClose(app);
    expect(took).toBeGreaterThan(4_500);
    expect(took).toBeLessThan(6_500);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', lost: 1 }));
  },
);
