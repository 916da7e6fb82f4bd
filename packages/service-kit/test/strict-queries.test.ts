import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { bodylessRoutes, openApiOf, type HttpService } from '../src/index.ts';
import { buildService } from './fixtures/build-service.ts';

const querystring = Type.Object({
  eventId: Type.Optional(Type.String({ format: 'uuid' })),
  limit: Type.Integer({ default: 10, minimum: 1 }),
});

function define(app: HttpService): void {
  app.get('/list', { schema: { querystring } }, (request) => ({ query: request.query }));
  app.get('/plain', (request) => ({ query: request.query }));
  app.post('/write', () => ({ done: true }));
  app.register(
    bodylessRoutes((routes) => {
      routes.delete('/release', () => ({ done: true }));
    }),
  );
}

type Method = 'GET' | 'HEAD' | 'POST' | 'DELETE' | 'OPTIONS';
const send = (method: Method, url: string, language = 'en') =>
  buildService(define).app.inject({ method, url, headers: { 'accept-language': language } });

const errorsOf = (answer: Awaited<ReturnType<typeof send>>) =>
  answer.json<{ errors: readonly { readonly pointer: string }[] }>().errors;

test.each<[Method, string]>([
  ['GET', '/list'],
  ['GET', '/plain'],
  ['POST', '/write'],
  ['DELETE', '/release'],
])('%s %s refuses a query parameter that it does not know, and names it', async (method, path) => {
  const answer = await send(method, `${path}?eventid=x`);
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: 'VALIDATION_FAILED' });
  expect(errorsOf(answer)).toEqual([{ pointer: '/eventid', detail: 'the query parameter is not known' }]);
});

test('HEAD refuses what GET refuses', async () => {
  expect((await send('HEAD', '/list?limit=3')).statusCode).toBe(200);
  expect((await send('HEAD', '/list?eventid=x')).statusCode).toBe(400);
});

const uuid = '0199a0de-0000-7000-8000-000000000001';

test.each([
  ['?x', '/x'],
  ['?=', '/'],
  ['?eventId[]=x', '/eventId[]'],
  ['?eventId%5B%5D=x', '/eventId[]'],
  ['?__proto__=x', '/__proto__'],
  ['?constructor=x', '/constructor'],
  ['?a/b~c=1', '/a~1b~0c'],
  ['?LIMIT=3', '/LIMIT'],
  [`?eventId=${uuid}&eventId=${uuid}`, '/eventId'],
  ['?limit=3&limit=3', '/limit'],
  // Bytes that are not UTF-8.
  ['?eventId=%E9', '/eventId'],
  ['?limit=3&Caf%E9=1', '/Caf%E9'],
  ['?limit=100%', '/limit'],
  ['?eventId=%ED%A0%80', '/eventId'],
  ['?eventId=%C0%AF', '/eventId'],
])('the query %j is refused with the pointer %j', async (query, pointer) => {
  const answer = await send('GET', `/list${query}`);
  expect(answer.statusCode).toBe(400);
  expect(errorsOf(answer)).toMatchObject([{ pointer }]);
});

test('words an unknown query parameter in Indonesian', async () => {
  expect(errorsOf(await send('GET', '/list?x=1', 'id'))).toEqual([
    { pointer: '/x', detail: 'parameter kueri tidak dikenal' },
  ]);
});

test.each(['/list', '/list?', '/list?&&', '/list?limit=3', '/list?%6Cimit=3', `/list?eventId=${uuid}`])(
  'the query of %j is taken',
  async (url) => {
    expect((await send('GET', url)).statusCode).toBe(200);
  },
);

test.each<[Method, string]>([
  ['GET', '/health/live?t=123'],
  ['GET', '/health/ready?t=%E9'],
  ['GET', '/metrics?t=123'],
  // A browser asks leave for a request with the query of that request.
  ['OPTIONS', '/list?eventId=x'],
])('%s %s is answered: a probe may add a parameter against caches', async (method, url) => {
  expect((await send(method, url)).statusCode).toBeLessThan(300);
});

test('a path that does not exist is 404, whatever its query', async () => {
  expect((await send('GET', '/nowhere?x=%E9')).statusCode).toBe(404);
});

test('the OpenAPI document names the parameters of a route, and none where there are none', async () => {
  const { app } = buildService(define, { docs: { title: 'T', description: 'D' } });
  const { paths } = (await openApiOf(app)) as {
    paths: Record<string, { get: { parameters?: { name: string }[] } }>;
  };
  expect(paths['/list']?.get.parameters?.map(({ name }) => name)).toEqual(['eventId', 'limit']);
  expect(paths['/plain']?.get.parameters).toBeUndefined();
});
