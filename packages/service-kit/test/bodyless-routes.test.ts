import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { bodylessRoutes, type HttpService } from '../src/index.ts';
import { buildService } from './fixtures/build-service.ts';
import { listen } from './fixtures/listen.ts';
import { parseAnswer } from './fixtures/raw-client.ts';

function define(app: HttpService): void {
  app.register(
    bodylessRoutes((routes) => {
      const schema = { params: Type.Object({ id: Type.Integer() }) };
      routes.post('/confirm/:id', { schema }, (request) => ({
        id: request.params.id,
        body: request.body ?? 'none',
      }));
      routes.delete('/release/:id', { schema }, (request) => ({ id: request.params.id }));
    }),
  );
  app.post(
    '/with-body',
    { schema: { body: Type.Object({ a: Type.Integer() }, { additionalProperties: false }) } },
    () => ({}),
  );
}

const inject = (headers: Record<string, string>, payload?: string) =>
  buildService(define).app.inject({
    method: 'POST',
    url: '/confirm/7',
    headers,
    // Bytes, or inject would add a content type of its own.
    ...(payload !== undefined && { payload: Buffer.from(payload) }),
  });

const types = [
  {},
  { 'content-type': 'application/json' },
  { 'content-type': 'application/json; charset=utf-8' },
  { 'content-type': 'application/x-www-form-urlencoded' },
  { 'content-type': 'text/plain' },
  { 'content-type': 'nonsense' },
  { 'content-type': '' },
];

test.each(
  types.flatMap((headers) => [undefined, '', '{}', ' {\n} '].map((payload) => [payload, headers] as const)),
)('a route without a body takes the body %j with %j', async (payload, headers) => {
  const answer = await inject(headers, payload);
  expect(answer.json()).toEqual({ id: 7, body: 'none' });
  expect(answer.statusCode).toBe(200);
});

test.each(['[]', 'null', '0', '""', '{', 'a=1', '{}{}', '\u0000'])(
  'a route without a body refuses the body %j',
  async (payload) => {
    for (const headers of types) {
      const answer = await inject(headers, payload);
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({
        code: 'VALIDATION_FAILED',
        errors: [{ pointer: '', detail: 'the body must be empty or {}' }],
      });
    }
  },
);

test('points at each member of a body that should be empty', async () => {
  const answer = await inject({ 'accept-language': 'id' }, '{"userId":"u","__proto__":{},"a/b":1}');
  expect(answer.json()).toMatchObject({
    errors: [
      { pointer: '/userId', detail: 'tidak dikenal' },
      { pointer: '/__proto__', detail: 'tidak dikenal' },
      { pointer: '/a~1b', detail: 'tidak dikenal' },
    ],
  });
});

test('a route without a body refuses one above the limit', async () => {
  expect((await inject({}, ' '.repeat(17_000))).statusCode).toBe(413);
});

test('takes {} on DELETE too, and still validates the path', async () => {
  const { app } = buildService(define);
  const json = { 'content-type': 'application/json' };
  expect((await app.inject({ method: 'DELETE', url: '/release/7', headers: json })).json()).toEqual({
    id: 7,
  });
  expect((await app.inject({ method: 'DELETE', url: '/release/x', headers: json })).statusCode).toBe(400);
});

test('routes outside the plugin still need application/json', async () => {
  const { app } = buildService(define);
  const answer = await app.inject({
    method: 'POST',
    url: '/with-body',
    headers: { 'content-type': 'text/plain' },
    payload: '{"a":1}',
  });
  expect(answer.statusCode).toBe(415);
});

test.each([
  ['chunked and empty', ['transfer-encoding: chunked', '', '0', '', '']],
  ['chunked and {}', ['transfer-encoding: chunked', '', '2', '{}', '0', '', '']],
  [
    'chunked, empty and of type JSON',
    ['content-type: application/json', 'transfer-encoding: chunked', '', '0', '', ''],
  ],
  ['of length 0 and of type JSON', ['content-type: application/json', 'content-length: 0', '', '']],
  ['as curl -d sends it', ['content-type: application/x-www-form-urlencoded', 'content-length: 2', '', '{}']],
])('a route without a body takes one that is %s', async (_name, rest) => {
  const { app } = buildService(define);
  const { connect } = await listen(app);
  const client = await connect();
  client.send('POST /confirm/7 HTTP/1.1', 'host: x', 'connection: close', ...rest);
  expect(parseAnswer(await client.closed()).status).toBe(200);
});
