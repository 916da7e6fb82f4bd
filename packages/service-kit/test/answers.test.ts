import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { buildService } from './fixtures/build-service.ts';

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const build = () =>
  buildService((app) => {
    const querystring = Type.Object({ token: Type.Optional(Type.String()) });
    app.get('/fine', { schema: { querystring } }, () => ({ fine: true }));
    app.get('/empty', (_request, reply) => reply.code(204).send());
    app.post('/fine', () => ({ fine: true }));
    app.get('/breaks', () => {
      throw new Error('oh');
    });
  });

test.each([
  ['GET', '/fine', 200],
  ['HEAD', '/fine', 200],
  ['GET', '/empty', 204],
  ['GET', '/breaks', 500],
  ['GET', '/nope', 404],
  ['GET', '/%zz', 400],
  ['DELETE', '/fine', 404],
  ['GET', '/health/live', 200],
  ['GET', '/health/ready', 200],
  ['GET', '/metrics', 200],
] as const)('%s %s carries the request id that was sent, and nosniff', async (method, url, status) => {
  const answer = await build().app.inject({ method, url, headers: { 'x-request-id': 'from-the-gateway' } });
  expect(answer.statusCode).toBe(status);
  expect(answer.headers).toMatchObject({
    'x-request-id': 'from-the-gateway',
    'x-content-type-options': 'nosniff',
  });
});

test.each(['a', '!', '~', 'x'.repeat(128), '0199a0de-0000-7000-8000-000000000001', '{"a":"b"}'])(
  'keeps the request id %j',
  async (id) => {
    expect(
      (await build().app.inject({ url: '/fine', headers: { 'x-request-id': id } })).headers['x-request-id'],
    ).toBe(id);
  },
);

test.each([
  ['none', undefined],
  ['empty', ''],
  ['too long', 'x'.repeat(129)],
  ['with a space', 'a b'],
  ['not ASCII', 'caf\u00e9'],
  ['with DEL', 'a\u007f'],
])('makes a request id when the one sent is: %s', async (_name, id) => {
  const answer = await build().app.inject({
    url: '/fine',
    headers: id === undefined ? {} : { 'x-request-id': id },
  });
  expect(answer.headers['x-request-id']).toMatch(uuidV7);
});

test('makes a new request id for each request', async () => {
  const { app } = build();
  const first = await app.inject('/fine');
  const second = await app.inject('/fine');
  expect(first.headers['x-request-id']).not.toBe(second.headers['x-request-id']);
});

test.each([
  ['GET', '/nope'],
  ['GET', '/fine/'],
  ['GET', '//fine'],
  ['GET', '/FINE'],
  ['GET', `/${'x'.repeat(3_000)}`],
  ['PUT', '/fine'],
  ['OPTIONS', '/nope'],
  ['PROPFIND', '/fine'],
  ['TRACE', '/fine'],
] as const)('%s %s is an unknown route', async (method, url) => {
  const answer = await build().app.inject({ method: method as 'GET', url });
  expect(answer.statusCode).toBe(404);
  expect(answer.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND', status: 404 });
});

test.each([
  ['broken JSON', 'application/json', '{'],
  ['a foreign content type', 'text/xml', '<a/>'],
  ['a body above the limit', 'application/json', `"${'x'.repeat(20_000)}"`],
])('an unknown route is unknown even with %s', async (_name, type, payload) => {
  const answer = await build().app.inject({
    method: 'POST',
    url: '/nope',
    headers: { 'content-type': type },
    payload,
  });
  expect(answer.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
});

test('writes one line per request: id, method, route, path, status, outcome, duration', async () => {
  const { app, lines } = build();
  await app.inject({
    url: '/fine?token=hunter2',
    headers: { 'x-request-id': 'r-1', authorization: 'Bearer hunter2', 'user-agent': 'a\tb' },
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: 'info',
    msg: 'request',
    service: 'test-api',
    requestId: 'r-1',
    method: 'GET',
    route: '/fine',
    path: '/fine',
    status: 200,
    outcome: 'ok',
    durationMs: expect.any(Number) as number,
  });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});

test.each([
  ['/nope?token=hunter2', 'unmatched', '/nope', 404, 'ROUTE_NOT_FOUND'],
  ['/%zz?token=hunter2', 'unmatched', '/%zz', 400, 'VALIDATION_FAILED'],
  ['/breaks', '/breaks', '/breaks', 500, 'INTERNAL'],
])('the log line of %s names the problem as the outcome', async (url, route, path, status, outcome) => {
  const { app, lines } = build();
  await app.inject(url);
  const requests = lines.filter(({ msg }) => msg === 'request');
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({ level: 'info', route, path, status, outcome });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});

test.each(['/health/live', '/health/ready', '/metrics'])(
  'the log line of %s has level debug',
  async (url) => {
    const { app, lines } = build();
    await app.inject(url);
    expect(lines).toMatchObject([{ level: 'debug', route: url }]);
  },
);

test('shortens a long path in the log', async () => {
  const { app, lines } = build();
  await app.inject(`/${'x'.repeat(3_000)}`);
  expect(lines[0]?.['path']).toHaveLength(256);
});
