import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiOn, openTestApi, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
let strict: TestApi;
let eventId: string;
beforeAll(async () => {
  api = await openTestApi();
  strict = await openApiOn(
    api.stack,
    {},
    { allowedOrigins: ['https://tickets.example'], live: { maxSockets: 0 } },
  );
  eventId = (await api.createEvent(1)).event.id;
});
afterAll(async () => {
  await strict[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

const unknownEvent = '01a20837-0fd0-711f-a732-a953a99d2e27';
const health = 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n';
const handshake = (path: string, ...lines: string[]) =>
  [
    `GET ${path} ${lines.includes('1.0') ? 'HTTP/1.0' : 'HTTP/1.1'}`,
    'host: x',
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    ...lines.filter((line) => line !== '1.0'),
    '',
    '',
  ].join('\r\n');
const live = (...lines: string[]) => handshake(`/api/v1/events/${eventId}/live`, ...lines);

/** Sends bytes, reads until the service closes the connection, and never closes it first. */
function exchange(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('latin1').on('data', (text: string) => (received += text));
    socket.on('error', () => undefined).on('close', () => resolve(received));
    socket.setTimeout(5_000, () => reject(new Error(`the connection stays open after: ${received}`)));
  });
}

const openDescriptors = async () => (await readdir('/proc/self/fd')).length;

/** Runs it for this many connections, 50 at a time, and waits until the process has as many descriptors as before. */
async function leavesNoDescriptor(connections: number, run: () => Promise<unknown>): Promise<void> {
  // What the first requests open for good (pools, timers) is no leak.
  await run();
  const before = await openDescriptors();
  for (let done = 0; done < connections; done += 50) await Promise.all(Array.from({ length: 50 }, run));
  await waitFor(async () => (await openDescriptors()) <= before + 5, {
    description: `the descriptors to be closed: ${before} before`,
  });
}

const statuses = (received: string) =>
  Array.from(received.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status));

describe('an upgrade that fails', () => {
  it('an upgrade behind an unanswered request is refused, and 1,000 of them leave no descriptor open', async () => {
    const bytes = health + live();
    const received = await exchange(api.url, bytes);
    expect(statuses(received)).toEqual([200, 400]);
    expect(received).toMatch(/connection: close/i);
    await leavesNoDescriptor(1_000, async () =>
      expect(statuses(await exchange(api.url, bytes))).toEqual([200, 400]),
    );
  }, 60_000);

  it.each<[string, number[], () => string]>([
    ['of an unknown event', [404], () => handshake(`/api/v1/events/${unknownEvent}/live`)],
    ['with a malformed id', [400], () => handshake('/api/v1/events/x/live')],
    ['with a path that cannot be decoded', [400], () => handshake('/api/v1/events/%zz/live')],
    ['with a path that is too long', [400], () => handshake(`/api/v1/events/${'x'.repeat(65)}/live`)],
    ['whose path ends in a fragment', [400, 404], () => handshake('/api/v1/events/x#/live')],
    ['of a route without WebSocket', [200], () => handshake('/api/v1/events')],
    ['of no route', [404], () => handshake('/nowhere')],
    ['without a key', [400], () => live().replace(/sec-websocket-key.*\r\n/, '')],
    ['over HTTP/1.0', [400], () => live('1.0')],
    ['with a body', [400], () => `${live('content-length: 4')}abcd`],
    ['with a body in chunks', [400], () => `${live('transfer-encoding: chunked')}1\r\na\r\n0\r\n\r\n`],
    ['with two hosts', [400], () => live('host: y')],
    ['without a host', [400], () => live().replace('host: x\r\n', '')],
    ['of HEAD', [404], () => live().replace('GET', 'HEAD')],
    [
      'that is refused, before another request',
      [404],
      () => handshake(`/api/v1/events/${unknownEvent}/live`) + health,
    ],
    ['that succeeds, before another request', [101], () => live() + health],
  ])(
    'an upgrade %s is answered %j and its connection closed',
    async (_what, expected, bytes) => {
      const [status = 0, ...more] = statuses(await exchange(api.url, bytes()));
      expect([expected.includes(status), status, more]).toEqual([true, status, []]);
      await leavesNoDescriptor(100, () => exchange(api.url, bytes()));
    },
    30_000,
  );

  it('an upgrade of a foreign origin or beyond LIVE_SOCKETS_MAX is answered and its connection closed', async () => {
    const foreign = () => exchange(strict.url, live('origin: https://evil.example'));
    const beyond = () => exchange(strict.url, live());
    expect([statuses(await foreign()), statuses(await beyond())]).toEqual([[403], [503]]);
    await leavesNoDescriptor(100, () => Promise.all([foreign(), beyond()]));
  }, 30_000);

  it('a client that leaves during its upgrade leaves no descriptor open and no place taken', async () => {
    const leave = (how: (socket: Socket) => void) =>
      new Promise((resolve) => {
        const socket = connect(Number(new URL(api.url).port), '127.0.0.1', () => {
          socket.write(live(), () => how(socket));
        });
        socket.on('error', () => undefined).on('close', resolve);
        socket.resume();
      });
    await leavesNoDescriptor(200, () =>
      Promise.all([leave((socket) => socket.resetAndDestroy()), leave((socket) => socket.end())]),
    );
    const hasPlaces = async () => !/^live_sockets 0$/m.test(await api.registry.metrics());
    await waitFor(async () => !(await hasPlaces()), { description: 'every place to be given back' });
    expect(await hasPlaces()).toBe(false);
  }, 30_000);
});
