import { expect, test } from 'vitest';
import { buildService } from './fixtures/build-service.ts';
import { listen } from './fixtures/listen.ts';
import { parseAnswer } from './fixtures/raw-client.ts';

const file = '/docs/static/swagger-ui.css';

test.each<[string, Record<string, string>, number, string]>([
  ['/docs/static/nothing.css', {}, 404, 'ROUTE_NOT_FOUND'],
  ['/docs/static/index.css/', {}, 404, 'ROUTE_NOT_FOUND'],
  ['/docs/static/..%2f..%2fpackage.json', {}, 404, 'ROUTE_NOT_FOUND'],
  ['/docs/static/../../package.json', {}, 403, 'FORBIDDEN'],
  ['/docs/static//swagger-ui.css', {}, 403, 'FORBIDDEN'],
  ['/docs/static/%00', {}, 403, 'FORBIDDEN'],
  [file, { 'if-match': '"other"' }, 412, 'VALIDATION_FAILED'],
  [file, { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 412, 'VALIDATION_FAILED'],
  [file, { range: 'bytes=99999999-' }, 416, 'VALIDATION_FAILED'],
])(
  'a file of the docs page that cannot be sent is no error of the service: %s %j is %i',
  async (path, headers, status, code) => {
    const { app, lines } = buildService(undefined, { docs: { title: 'T', description: 'D' } });
    const { connect } = await listen(app);
    const client = await connect();
    const sent = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    client.send(`GET ${path} HTTP/1.1`, 'host: x', 'connection: close', ...sent, '', '');
    const answer = parseAnswer(await client.closed());
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
      status,
      { status, code, retryable: false },
    ]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    expect(lines.at(-1)).toMatchObject({ status, outcome: code });
  },
);

test('a file of the docs page is sent, in part when a range asks for it', async () => {
  const { app } = buildService(undefined, { docs: { title: 'T', description: 'D' } });
  expect((await app.inject(file)).statusCode).toBe(200);
  expect((await app.inject({ url: file, headers: { range: 'bytes=0-9' } })).statusCode).toBe(206);
});
