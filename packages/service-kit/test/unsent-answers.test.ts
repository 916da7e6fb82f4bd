import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@ticketing/testkit';
import { expect, test } from 'vitest';
import type { HttpServiceOptions } from '../src/index.ts';
import { buildService } from './fixtures/build-service.ts';
import { listen } from './fixtures/listen.ts';
import { parseAnswer, type RawClient } from './fixtures/raw-client.ts';

/** More than the operating systems of both ends take for a client that does not read. */
const large = Buffer.alloc(16_000_000, 'x');

async function open(bounds: HttpServiceOptions['unsentAnswers']) {
  let begun = 0;
  const { app, registry } = buildService(
    (routes) => {
      routes.get('/shared', (_request, reply) => reply.type('text/plain').send(large));
      routes.get('/own', (_request, reply) => reply.type('text/plain').send(Buffer.from(large)));
      routes.get('/text', (_request, reply) => {
        begun += 1;
        return reply.header('etag', '"a"').type('text/plain').send('x'.repeat(200_000));
      });
      routes.get('/small', () => 'small');
    },
    { unsentAnswers: bounds ?? {} },
  );
  const { connect } = await listen(app);
  const metric = async (name: string, label = '') => {
    const value = new RegExp(`^${name}${label} (\\S+)$`, 'm').exec(await registry.metrics())?.[1];
    return Number(value ?? 0);
  };
  const unsent = () => metric('http_unsent_bytes');
  const ask = async (...paths: string[]) => {
    const client = await connect();
    client.socket.pause();
    client.send(...paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`));
    return client;
  };
  const get = async (path: string) => {
    const client = await connect();
    client.send(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    return parseAnswer(await client.closed());
  };
  return { unsent, ask, get, connect, metric, begun: () => begun };
}

const isCut = (client: RawClient) => {
  client.socket.removeAllListeners('data');
  client.socket.resume();
  return client.closed();
};

test('a body that many slow clients are sent counts once, and is over when they leave', async () => {
  const { unsent, ask } = await open({});
  const clients = await Promise.all(Array.from({ length: 10 }, () => ask('/shared')));
  await waitFor(async () => (await unsent()) >= large.length + 10 * 8_192, { description: 'ten answers' });
  expect(await unsent()).toBe(large.length + 10 * 8_192);
  for (const client of clients) client.socket.destroy();
  await waitFor(async () => (await unsent()) === 0, { description: 'no answer' });
});

test('an answer that was read takes no memory', async () => {
  const { unsent, get } = await open({});
  expect((await get('/shared')).body).toHaveLength(large.length);
  expect((await get('/nowhere')).status).toBe(404);
  await waitFor(async () => (await unsent()) === 0, { description: 'no answer' });
});

test('beyond the bytes that may be unsent, clients that read large answers for over a second are cut off', async () => {
  const { unsent, ask, get, metric } = await open({ maxBytes: 40_000_000 });
  const slow = [await ask('/own'), await ask('/own')];
  await waitFor(async () => (await unsent()) > 2 * large.length, { description: 'two answers' });
  // These came this moment: a third does not fit, a small answer does.
  const refused = await get('/own');
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
  expect(JSON.parse(refused.body)).toMatchObject({ code: 'OVERLOADED', retryable: true });
  expect((await get('/small')).status).toBe(200);

  await sleep(1_100);
  expect((await get('/own')).body).toHaveLength(large.length);
  expect(await metric('http_answers_cut_total', '{reason="memory"}')).toBe(1);
  expect(await unsent()).toBeLessThan(40_000_000);
  expect((await isCut(slow[0]!)).length).toBeLessThan(large.length);
});

test('a refused answer has no headers of the one that it replaces', async () => {
  const { ask, get, unsent } = await open({ maxBytes: 100_000 });
  await ask('/small');
  const refused = await get('/text');
  expect([refused.status, refused.headers['etag']]).toEqual([503, undefined]);
  expect(refused.headers['content-type']).toBe('application/problem+json');
  expect(await unsent()).toBeLessThan(100_000);
});

test('a client that reads a little at times is cut off when the time for the size of its answer is over', async () => {
  const { connect, metric } = await open({ baseMs: 500, bytesPerSecond: 16_000_000 });
  const client = await connect();
  const startedAt = performance.now();
  client.send('GET /own HTTP/1.1\r\nhost: x\r\n\r\n');
  const dripping = setInterval(() => {
    client.socket.resume();
    setImmediate(() => client.socket.pause());
  }, 50);
  client.socket.on('data', () => client.socket.pause());
  await waitFor(async () => (await metric('http_answers_cut_total', '{reason="late"}')) === 1, {
    description: 'the connection to be cut off',
  });
  clearInterval(dripping);
  expect(performance.now() - startedAt).toBeGreaterThan(1_400);
  expect((await isCut(client)).length).toBeLessThan(large.length);
});

test('a slow client that reads at a megabit a second gets all of its answer', async () => {
  const { connect } = await open({ baseMs: 1_000 });
  const client = await connect();
  const startedAt = performance.now();
  client.send('GET /text HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  client.socket.on('data', (text: string) => {
    client.socket.pause();
    setTimeout(() => client.socket.resume(), text.length / 125);
  });
  await once(client.socket, 'close');
  expect(parseAnswer(client.received).body).toHaveLength(200_000);
  expect(performance.now() - startedAt).toBeGreaterThan(1_000);
});

test('a connection that sends thousands of requests and reads no answer is closed before most of them begin', async () => {
  const { ask, unsent, metric, begun } = await open({});
  const client = await ask(...Array.from({ length: 10_000 }, () => '/text'));
  await isCut(client);
  expect(begun()).toBeLessThan(100);
  expect(await metric('http_answers_cut_total', '{reason="pipelined"}')).toBeGreaterThan(0);
  await waitFor(async () => (await unsent()) === 0, { description: 'no answer' });
});

test('answers 30 requests that a connection sends without waiting, in their order', async () => {
  const { connect } = await open({});
  const client = await connect();
  const paths = Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? '/small' : '/nowhere'));
  client.send(...paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`));
  await waitFor(() => client.received.split('HTTP/1.1 ').length === 31, { description: '30 answers' });
  const statuses = [...client.received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  expect(statuses).toEqual(paths.map((path) => (path === '/small' ? '200' : '404')));
});
