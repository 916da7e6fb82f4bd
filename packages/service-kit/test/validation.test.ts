import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import type { HttpService } from '../src/index.ts';
import { buildService } from './fixtures/build-service.ts';

const uuid = '0199a0de-0000-7000-8000-000000000001';
const closed = { additionalProperties: false };

const Booking = Type.Object(
  {
    seatIds: Type.Array(Type.String({ format: 'uuid' }), { minItems: 1, maxItems: 3, uniqueItems: true }),
    userId: Type.Optional(Type.String({ minLength: 1, maxLength: 8, pattern: '^[\\x21-\\x7e]+$' })),
    note: Type.Optional(Type.String({ minLength: 1 })),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
    price: Type.Optional(Type.Object({ amount: Type.Integer(), currency: Type.Literal('IDR') }, closed)),
    kind: Type.Optional(Type.Union([Type.Literal('A'), Type.Literal('B')])),
    at: Type.Optional(Type.String({ format: 'date-time' })),
    'a/b~c': Type.Optional(Type.Boolean()),
  },
  closed,
);

const EitherForm = Type.Union([
  Type.Object({ seatId: Type.String({ format: 'uuid' }), userId: Type.String() }, closed),
  Type.Object({ seatIds: Type.Array(Type.String({ format: 'uuid' })), userId: Type.String() }, closed),
]);

function define(app: HttpService): void {
  app.post('/book', { schema: { body: Booking }, bodyLimit: 64 * 1024 }, (request) => request.body);
  app.post('/either', { schema: { body: EitherForm } }, (request) => request.body);
  app.get(
    '/seats/:seatId',
    {
      schema: {
        params: Type.Object({ seatId: Type.String({ format: 'uuid' }) }),
        querystring: Type.Object({
          limit: Type.Integer({ default: 10, minimum: 1, maximum: 100 }),
          all: Type.Optional(Type.Boolean()),
        }),
      },
    },
    (request) => ({ ...request.params, ...request.query }),
  );
}

async function post(body: unknown, headers: Record<string, string> = {}, url = '/book') {
  const { app, lines } = buildService(define);
  const answer = await app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>(), lines };
}

async function get(url: string, headers: Record<string, string> = {}) {
  const answer = await buildService(define).app.inject({ url, headers });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

test('a valid body reaches the route unchanged', async () => {
  const body = {
    seatIds: [uuid, uuid.replace('1', '2').toUpperCase()],
    userId: 'u-1',
    count: 5,
    kind: 'B',
    'a/b~c': true,
  };
  expect(await post(body)).toMatchObject({ status: 200, body });
});

test.each([
  [{ seatIds: [uuid], extra: 1 }, '/extra', 'is not a known member'],
  [{ seatIds: [uuid], 'x/y~z': 1 }, '/x~1y~0z', 'is not a known member'],
  [{ seatIds: [uuid], price: { amount: 1, currency: 'IDR', vat: 1 } }, '/price/vat', 'is not a known member'],
  [{}, '/seatIds', 'is required'],
  [{ seatIds: [uuid], price: { currency: 'IDR' } }, '/price/amount', 'is required'],
  [{ seatIds: [uuid], count: '5' }, '/count', 'must be a whole number'],
  [{ seatIds: [uuid], count: 1.5 }, '/count', 'must be a whole number'],
  [{ seatIds: [uuid], count: 0 }, '/count', 'must be at least 1'],
  [{ seatIds: [uuid], count: 6 }, '/count', 'must be at most 5'],
  [{ seatIds: [uuid], userId: 7 }, '/userId', 'must be text'],
  [{ seatIds: [uuid], userId: null }, '/userId', 'must be text'],
  [{ seatIds: [uuid], note: '' }, '/note', 'must have at least 1 character'],
  [{ seatIds: [uuid], userId: '123456789' }, '/userId', 'must have at most 8 characters'],
  [{ seatIds: [uuid], userId: 'a b' }, '/userId', 'must match pattern "^[\\x21-\\x7e]+$"'],
  [{ seatIds: [uuid], 'a/b~c': 'true' }, '/a~1b~0c', 'must be true or false'],
  [{ seatIds: [] }, '/seatIds', 'must have at least 1 item'],
  [{ seatIds: [uuid, uuid] }, '/seatIds', 'must not hold the same item twice'],
  [{ seatIds: uuid }, '/seatIds', 'must be a list'],
  [{ seatIds: ['nonsense'] }, '/seatIds/0', 'must be a UUID'],
  [{ seatIds: [`urn:uuid:${uuid}`] }, '/seatIds/0', 'must be a UUID'],
  [{ seatIds: [`{${uuid}}`] }, '/seatIds/0', 'must be a UUID'],
  [{ seatIds: [uuid.replaceAll('-', '')] }, '/seatIds/0', 'must be a UUID'],
  [{ seatIds: [`${uuid}\n`] }, '/seatIds/0', 'must be a UUID'],
  [{ seatIds: [uuid], price: { amount: 1, currency: 'USD' } }, '/price/currency', 'must be one of IDR'],
  [{ seatIds: [uuid], kind: 'C' }, '/kind', 'must be one of A, B'],
  [{ seatIds: [uuid], at: '2026-08-17' }, '/at', 'must be a time such as 2026-08-17T10:00:00Z'],
  [[], '', 'must be an object'],
  [null, '', 'a JSON body is required'],
])('refuses the body %j at %j: %s', async (body, pointer, detail) => {
  const answer = await post(body);
  expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  expect(answer.body['errors']).toEqual([{ pointer, detail }]);
});

test('lists every error of a small body', async () => {
  const { body } = await post({ seatIds: ['x', uuid, 'y'], count: 9, extra: true });
  expect(body['errors']).toEqual(
    expect.arrayContaining([
      { pointer: '/seatIds/0', detail: 'must be a UUID' },
      { pointer: '/seatIds/2', detail: 'must be a UUID' },
      { pointer: '/count', detail: 'must be at most 5' },
      { pointer: '/extra', detail: 'is not a known member' },
    ]),
  );
});

test('lists twenty errors at most', async () => {
  const members = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`m${index}`, 1]));
  const { body } = await post({ seatIds: [uuid], ...members });
  expect(body['errors']).toHaveLength(20);
});

test('lists the first error of a large body only', async () => {
  const { body } = await post({ seatIds: Array.from({ length: 1_000 }, () => 'x'.repeat(20)), count: 9 });
  expect(body['errors']).toHaveLength(1);
});

test.each([7_000, 500_000])('answers a body of %i nested lists', async (depth) => {
  const { app } = buildService((service) => {
    const items = Type.Array(Type.Unknown(), { uniqueItems: true });
    const body = Type.Object({ items }, closed);
    service.post('/deep', { schema: { body }, bodyLimit: 1024 * 1024 + 16 }, () => ({}));
  });
  const headers = { 'content-type': 'application/json' };
  const payload = '['.repeat(depth) + ']'.repeat(depth);
  const answer = await app.inject({ method: 'POST', url: '/deep', headers, payload });
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ errors: [{ pointer: '', detail: 'must be an object' }] });
});

test('words validation errors in Indonesian, the rare ones too', async () => {
  const answer = await post(
    { seatIds: ['x'], userId: 'a b', count: '1', extra: 1, kind: 'C' },
    { 'accept-language': 'id' },
  );
  expect(answer.body['detail']).toMatch(/^Permintaan tidak sesuai/);
  expect(answer.body['errors']).toEqual(
    expect.arrayContaining([
      { pointer: '/seatIds/0', detail: 'harus berupa UUID' },
      { pointer: '/userId', detail: 'harus cocok dengan pola "^[\\x21-\\x7e]+$"' },
      { pointer: '/count', detail: 'harus berupa bilangan bulat' },
      { pointer: '/extra', detail: 'tidak dikenal' },
      { pointer: '/kind', detail: 'harus salah satu dari A, B' },
    ]),
  );
});

test.each([
  [{ seatId: 'x', userId: 'u' }, [{ pointer: '/seatId', detail: 'must be a UUID' }]],
  [{ seatIds: [uuid, 'x'], userId: 'u' }, [{ pointer: '/seatIds/1', detail: 'must be a UUID' }]],
  [
    { seatIds: ['x', 'y', 'z'], userId: 'u' },
    ['0', '1', '2'].map((index) => ({ pointer: `/seatIds/${index}`, detail: 'must be a UUID' })),
  ],
  [{ seatId: uuid }, [{ pointer: '/userId', detail: 'is required' }]],
  [{ seatId: uuid, userId: 'u', extra: 1 }, [{ pointer: '/extra', detail: 'is not a known member' }]],
])('of a body with two forms %j it lists the errors of the form that was meant', async (body, errors) => {
  expect((await post(body, {}, '/either')).body['errors']).toEqual(errors);
});

test.each([
  ['{', 'the body must be JSON, without members named __proto__ or constructor.prototype'],
  ['{"seatIds":[1,]}', 'the body must be JSON, without members named __proto__ or constructor.prototype'],
  [
    '{"__proto__":{"admin":true}}',
    'the body must be JSON, without members named __proto__ or constructor.prototype',
  ],
  [
    '{"constructor":{"prototype":{}}}',
    'the body must be JSON, without members named __proto__ or constructor.prototype',
  ],
  ['', 'a JSON body is required'],
])('refuses the malformed body %j and says why', async (text, detail) => {
  const { status, body, lines } = await post(text);
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer: '', detail }] });
  expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('refuses a request without the body that its route needs', async () => {
  const answer = await buildService(define).app.inject({ method: 'POST', url: '/book' });
  expect(answer.json()).toMatchObject({ errors: [{ pointer: '', detail: 'a JSON body is required' }] });
});

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'application/xml',
  'application/jsonx',
  'nonsense',
  ';',
])('refuses the content type %j', async (type) => {
  const answer = await post('{}', { 'content-type': type });
  expect(answer).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
});

test('refuses a body without a content type', async () => {
  const { app } = buildService(define);
  // Sent as bytes, or inject would add a content type of its own.
  const answer = await app.inject({ method: 'POST', url: '/book', payload: Buffer.from('{}') });
  expect(answer.statusCode).toBe(415);
});

test.each([
  'application/json',
  'application/json; charset=utf-8',
  'Application/JSON;charset=UTF-8',
  ' application/json ',
])('takes the content type %j', async (type) => {
  expect((await post({ seatIds: [uuid] }, { 'content-type': type })).status).toBe(200);
});

test('refuses a body above the limit, 16 KiB unless the route says otherwise', async () => {
  const padding = (bytes: number) => `{"seatId":"${uuid}","userId":"${'u'.repeat(bytes)}"}`;
  expect(await post(padding(15_000), {}, '/either')).toMatchObject({ status: 200 });
  expect(await post(padding(16_384), {}, '/either')).toMatchObject({
    status: 413,
    body: { code: 'PAYLOAD_TOO_LARGE' },
  });
  expect(await post(padding(64 * 1024))).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } });
});

test('reads query and path values as their type', async () => {
  expect(await get(`/seats/${uuid}?limit=7&all=true`)).toEqual({
    status: 200,
    body: { seatId: uuid, limit: 7, all: true },
  });
  expect(await get(`/seats/${uuid}`)).toMatchObject({ body: { limit: 10 } });
});

test.each([
  [`/seats/${uuid}?limit=0`, '/limit', 'the query parameter must be at least 1'],
  [`/seats/${uuid}?limit=101`, '/limit', 'the query parameter must be at most 100'],
  [`/seats/${uuid}?limit=many`, '/limit', 'the query parameter must be a whole number'],
  [`/seats/${uuid}?limit=`, '/limit', 'the query parameter must be a whole number'],
  [`/seats/${uuid}?limit=1&limit=2`, '/limit', 'the query parameter must be a whole number'],
  [`/seats/${uuid}?all=perhaps`, '/all', 'the query parameter must be true or false'],
  ['/seats/nonsense', '/seatId', 'the path parameter must be a UUID'],
  [`/seats/urn:uuid:${uuid}`, '/seatId', 'the path parameter must be a UUID'],
  [`/seats/${uuid}%00`, '/seatId', 'the path parameter must be a UUID'],
  [`/seats/${'a'.repeat(100)}`, '', 'a segment of the path is too long'],
  ['/seats/%zz', '', 'the path is not well-formed'],
  ['/%zz', '', 'the path is not well-formed'],
])('refuses the URL %s at %j', async (url, pointer, detail) => {
  const answer = await get(url);
  expect(answer).toMatchObject({
    status: 400,
    body: { code: 'VALIDATION_FAILED', errors: [{ pointer, detail }] },
  });
});

test('words path errors in Indonesian', async () => {
  expect((await get('/seats/x', { 'accept-language': 'id' })).body['errors']).toEqual([
    { pointer: '/seatId', detail: 'parameter alamat harus berupa UUID' },
  ]);
});

test('a body schema that lets unknown members through stops the start', async () => {
  const { app } = buildService((service) => {
    const open = Type.Object({ price: Type.Object({ amount: Type.Integer() }) }, closed);
    service.post('/open', { schema: { body: open } }, () => ({}));
  });
  await expect(app.ready()).rejects.toThrow(
    /POST \/open: body schema #\/properties\/price: additionalProperties is not set/,
  );
});

test.each([
  '0x2',
  '1e1',
  '%2B5',
  '%205',
  '5%20',
  '5.0',
  '',
  '-0',
  '05',
  'Infinity',
  'NaN',
  '0b1',
  '1_0',
  '٥',
])('the query value limit=%s is no plain decimal number and is refused', async (value) => {
  expect(await get(`/seats/${uuid}?limit=${value}`)).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/limit', detail: 'the query parameter must be a whole number' }] },
  });
});
