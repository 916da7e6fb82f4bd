import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import { describe, expect, it, test, vi } from 'vitest';
import { buildService } from './fixtures/build-service.ts';
import { listen } from './fixtures/listen.ts';
import { parseAnswer, type RawClient } from './fixtures/raw-client.ts';

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

function build() {
  return buildService((app) => {
    app.get('/fine', () => ({ fine: true }));
    app.get('/slow', async () => {
      await sleep(300);
      return { slow: true };
    });
    const body = Type.Object({ a: Type.Integer() }, { additionalProperties: false });
    app.post('/book', { schema: { body } }, (request) => request.body);
  });
}

const chunkedTo =
  'POST /book HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n';

function expectProblem(received: string, status: number, detail: string): void {
  const answer = parseAnswer(received);
  expect(answer.status).toBe(status);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'x-request-id': expect.stringMatching(uuidV7) as string,
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  expect(JSON.parse(answer.body)).toMatchObject({
    status,
    code: 'VALIDATION_FAILED',
    requestId: answer.headers['x-request-id'],
    errors: [{ pointer: '', detail }],
  });
}

test.each([
  ['no HTTP at all', 'GARBAGE\r\n\r\n'],
  ['a TLS handshake', '\u0016\u0003\u0001\u0002\u0000\u0001'],
  ['an unknown method', 'BREW /fine HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['a header without a colon', 'GET /fine HTTP/1.1\r\nhost x\r\n\r\n'],
  ['two lengths', 'POST /book HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'],
  [
    'a length and chunks',
    'POST /book HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'a malformed chunk',
    'POST /book HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  ],
  // A proxy in front may read each of these otherwise, and then see other requests than the service does.
  ['a length with a sign', 'POST /book HTTP/1.1\r\nhost: x\r\ncontent-length: +2\r\n\r\n{}'],
  ['a list of lengths', 'POST /book HTTP/1.1\r\nhost: x\r\ncontent-length: 2, 2\r\n\r\n{}'],
  [
    'a space before a colon',
    'POST /book HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n',
  ],
  ['chunks twice', `${chunkedTo}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['another encoding behind chunks', `${chunkedTo.replace(/\r\n$/, ', identity\r\n')}\r\n0\r\n\r\n`],
  ['an encoding that is almost chunked', `${chunkedTo.replace('chunked', 'xchunked')}\r\n0\r\n\r\n`],
  ['a chunk longer than any number', `${chunkedTo}\r\nfffffffffffffffff\r\n`],
  ['a chunk that ends with LF alone', `${chunkedTo}\r\n2\n{}\n0\n\n`],
  ['a header on two lines', 'GET /fine HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n 2\r\n\r\n'],
  ['lines that end with LF alone', 'GET /fine HTTP/1.1\nhost: x\n\n'],
  ['a NUL in a header', 'GET /fine HTTP/1.1\r\nhost: x\r\nx-a: \0\r\n\r\n'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
])('answers %s as a problem and closes', async (_name, bytes) => {
  const { app, lines } = build();
  const { connect } = await listen(app);
  const client = await connect();
  client.send(bytes);
  expectProblem(await client.closed(), 400, 'this is not a well-formed HTTP request');
  expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  const { headers } = parseAnswer(client.received);
  expect(lines.some((line) => line['requestId'] === headers['x-request-id'])).toBe(true);
});

test('takes 16 KiB of request line and headers: a token of many claims', async () => {
  const { connect } = await listen(build().app);
  const client = await connect();
  const token = `authorization: Bearer ${'x'.repeat(16_300)}`;
  client.send('GET /fine HTTP/1.1', 'host: x', 'connection: close', token, '', '');
  expect(parseAnswer(await client.closed()).status).toBe(200);
});

test.each([16_400, 8_000_000])('answers %i bytes of headers with one complete 431', async (bytes) => {
  const { app, lines } = build();
  const { connect } = await listen(app);
  const client = await connect();
  client.send('GET /fine HTTP/1.1', 'host: x', `x-large: ${'x'.repeat(bytes)}`, '', '');
  expect(parseAnswer(await client.closed()).status).toBe(431);
  expectProblem(client.received, 431, 'the request line and headers must have at most 16 KiB');
  expect(lines.filter(({ msg }) => msg.startsWith('malformed or late'))).toHaveLength(1);
});

test('answers a request without Host as a problem with its request id', async () => {
  const { app, lines } = build();
  const { connect } = await listen(app);
  const client = await connect();
  client.send('GET /fine HTTP/1.1', 'connection: close', 'x-request-id: r-1', '', '');
  const answer = parseAnswer(await client.closed());
  expect(answer.status).toBe(400);
  expect(answer.headers['x-request-id']).toBe('r-1');
  expect(JSON.parse(answer.body)).toMatchObject({
    errors: [{ detail: 'the header Host is required, once' }],
  });
  expect(lines.at(-1)).toMatchObject({ outcome: 'VALIDATION_FAILED' });
});

test('takes HTTP/1.0 without Host', async () => {
  const { connect } = await listen(build().app);
  const client = await connect();
  client.send('GET /fine HTTP/1.0', '', '');
  expect(parseAnswer(await client.closed()).status).toBe(200);
});

test('ignores an expectation that it does not know', async () => {
  const { connect } = await listen(build().app);
  const client = await connect();
  client.send('GET /fine HTTP/1.1', 'host: x', 'expect: the-impossible', 'connection: close', '', '');
  const answer = parseAnswer(await client.closed());
  expect(answer.status).toBe(200);
  expect(answer.headers['x-request-id']).toMatch(uuidV7);
});

test('answers OPTIONS * as a problem', async () => {
  const { connect } = await listen(build().app);
  const client = await connect();
  client.send('OPTIONS * HTTP/1.1', 'host: x', 'connection: close', '', '');
  const answer = parseAnswer(await client.closed());
  expect([400, 404]).toContain(answer.status);
  expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json' });
  expect(answer.headers['x-request-id']).toMatch(uuidV7);
});

test('garbage behind a request does not replace its answer', async () => {
  const { connect } = await listen(build().app);
  const client = await connect();
  client.send('GET /slow HTTP/1.1', 'host: x', '', 'GARBAGE', '', '');
  const answer = parseAnswer(await client.closed());
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toEqual({ slow: true });
  expect(client.received.match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test(
  'a client that stalls in its headers is answered 408 and disconnected',
  { timeout: 12_000 },
  async () => {
    const { connect } = await listen(build().app);
    const client = await connect();
    client.send('GET /fine HTTP/1.1', 'host: x', 'x-slow: ');
    const startedAt = performance.now();
    expectProblem(await client.closed(), 408, 'the request did not arrive in time');
    expect(performance.now() - startedAt).toBeLessThan(9_000);
  },
);

test('clients that stall in their bodies are answered 408, with the request ids of the log', async () => {
  const stall = async (sent: readonly string[], requestId: RegExp) => {
    const { app, lines } = build();
    const { connect } = await listen(app);
    const client = await connect();
    const json = ['content-type: application/json', 'content-length: 9', '', '{"a"'];
    client.send('POST /book HTTP/1.1', 'host: x', ...sent, ...json);
    const answer = parseAnswer(await client.closed());
    expect(answer.status).toBe(408);
    const aborted = () => lines.find((line) => line['outcome'] === 'aborted');
    await vi.waitFor(() => expect(aborted()).toBeDefined());
    expect(answer.headers['x-request-id']).toBe(aborted()?.['requestId']);
    expect(answer.headers['x-request-id']).toMatch(requestId);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  };
  await Promise.all([stall(['x-request-id: r-9'], /^r-9$/), stall([], uuidV7)]);
}, 12_000);

describe('a request that waited for a blocked process', () => {
  const head =
    'POST /book HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n';

  /** Bytes that have arrived when the process continues, and runs its timers before it reads them. */
  async function sendAndBlock(client: RawClient, bytes: string): Promise<void> {
    await nextTurn();
    client.send(bytes);
    const until = performance.now() + 1_500;
    while (performance.now() < until);
  }

  async function buildCounting() {
    const { app } = build();
    let handled = 0;
    app.addHook('preHandler', (_request, _reply, done) => {
      handled += 1;
      done();
    });
    const { connect } = await listen(app);
    Object.assign(app.server, { requestTimeout: 200, headersTimeout: 200 });
    return { connect, handled: () => handled };
  }

  it.each([
    ['its body', head, '{"a":1}'],
    ['its end', `${head}{"a"`, ':1}'],
    ['all of it', '', `${head}{"a":1}`],
  ])(
    'a request that waited for a blocked process is refused or done, never both: %s',
    async (_what, early, late) => {
      const { connect, handled } = await buildCounting();
      const client = await connect();
      client.send(early);
      // The server has accepted the connection and read the first bytes.
      await sleep(50);
      await sendAndBlock(client, late);
      const answer = parseAnswer(await client.closed());
      expect(client.received.match(/HTTP\/1\.1/g)).toHaveLength(1);
      expect({ status: answer.status, handled: handled() }).toEqual({ status: 408, handled: 0 });
    },
  );
});

test('a client that leaves is logged as aborted, without an error', async () => {
  const { app, lines, registry } = build();
  const { connect } = await listen(app);
  const client = await connect();
  client.send('GET /slow HTTP/1.1', 'host: x', '', '');
  await sleep(50);
  client.socket.destroy();
  await vi.waitFor(() => expect(lines.some((line) => line['outcome'] === 'aborted')).toBe(true));
  await sleep(350);
  expect(lines.filter(({ msg }) => msg === 'request')).toHaveLength(1);
  expect(lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  expect(await registry.metrics()).toContain('{method="GET",route="/slow",status="aborted"} 1');
});

test('an unexpected error behind a body is logged, also when the client has left', async () => {
  const { app, lines } = buildService((service) => {
    const body = Type.Object({ a: Type.Integer() }, { additionalProperties: false });
    service.post('/breaks', { schema: { body } }, async () => {
      await sleep(100);
      throw new Error('unexpected');
    });
  });
  const { connect } = await listen(app);
  const request = [
    'POST /breaks HTTP/1.1',
    'host: x',
    'content-type: application/json',
    'content-length: 7',
    '',
    '{"a":1}',
  ];
  const staying = await connect();
  staying.send(...request);
  expect(parseAnswer(await staying.until('INTERNAL')).status).toBe(500);
  const leaving = await connect();
  leaving.send(...request);
  await sleep(30);
  leaving.socket.destroy();
  await vi.waitFor(() => expect(lines.filter(({ level }) => level === 'error')).toHaveLength(2));
});

test('a client that leaves in the middle of its body logs no error', async () => {
  const { app, lines } = build();
  const { connect } = await listen(app);
  const client = await connect();
  client.send(
    'POST /book HTTP/1.1',
    'host: x',
    'content-type: application/json',
    'content-length: 9',
    '',
    '{"a"',
  );
  await sleep(50);
  client.socket.destroy();
  await vi.waitFor(() => expect(lines.some((line) => line['outcome'] === 'aborted')).toBe(true));
  expect(lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
});
