import { gzipSync } from 'node:zlib';
import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { bodylessRoutes, type HttpService } from '../src/index.ts';
import { buildService } from './fixtures/build-service.ts';

function define(app: HttpService): void {
  const body = Type.Object({ name: Type.String() }, { additionalProperties: false });
  app.post('/events', { schema: { body } }, (request) => request.body);
  app.register(bodylessRoutes((routes) => void routes.post('/confirm', () => ({ confirmed: true }))));
}

const send = (payload: Buffer, headers: Record<string, string> = {}, url = '/events') =>
  buildService(define).app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    payload,
  });

const notUtf8 = { pointer: '', detail: 'the body must be UTF-8' };
const utf16 = (text: string) => Buffer.from(text, 'utf16le');

test.each([
  ['Latin-1', Buffer.from('{"name":"Caf\xe9"}', 'latin1')],
  ['a surrogate in UTF-8 (CESU-8)', Buffer.from('7b226e616d65223a22eda08022 7d'.replace(' ', ''), 'hex')],
  ['an overlong form', Buffer.from('{"name":"\xc0\xaf"}', 'latin1')],
  ['a character that is cut off', Buffer.from('{"name":"\xe2\x82"}', 'latin1')],
  ['a byte of no meaning in a member', Buffer.from('{"name":"a","\xff":1}', 'latin1')],
  ['UTF-16 with its mark', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16('{"name":"a"}')])],
])('a body in %s is refused, and nothing of it is replaced', async (_, payload) => {
  const answer = await send(payload);
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: 'VALIDATION_FAILED', errors: [notUtf8] });
});

test('a body in UTF-16 without its mark is refused as no JSON', async () => {
  const answer = await send(utf16('{"name":"a"}'));
  expect(answer.json()).toMatchObject({ code: 'VALIDATION_FAILED' });
});

test.each(['Café', '\u{1f3ad}', '\ufffd', '\u2028'])('a body in UTF-8 keeps %j', async (name) => {
  const answer = await send(Buffer.from(JSON.stringify({ name })));
  expect(answer.json()).toEqual({ name });
});

test('a byte order mark before a body is ignored (RFC 8259, 8.1)', async () => {
  const mark = Buffer.from('\ufeff');
  expect((await send(Buffer.concat([mark, Buffer.from('{"name":"a"}')]))).json()).toEqual({ name: 'a' });
  const bodyless = await send(Buffer.concat([mark, Buffer.from('{}')]), {}, '/confirm');
  expect(bodyless.json()).toEqual({ confirmed: true });
});

test.each(['utf-8', 'UTF-8', '"utf-8"', 'utf8'])('the charset %s is taken', async (charset) => {
  const headers = { 'content-type': `application/json; charset=${charset}` };
  expect((await send(Buffer.from('{"name":"é"}'), headers)).json()).toEqual({ name: 'é' });
});

test.each<Record<string, string>>([
  { 'content-type': 'application/json; charset=iso-8859-1' },
  { 'content-type': 'application/json;CHARSET="ISO-8859-1"' },
  { 'content-type': 'application/json; x=1; charset=utf-16' },
  { 'content-type': 'application/json; charset=utf-8; charset=iso-8859-1' },
  { 'content-type': 'application/json; charset=' },
  { 'content-type': 'text/json' },
  { 'content-encoding': 'gzip' },
  { 'content-encoding': 'br' },
  { 'content-encoding': 'identity, gzip' },
])('a body with %j is refused with 415', async (headers) => {
  const answer = await send(Buffer.from('{"name":"a"}'), headers);
  expect(answer.statusCode).toBe(415);
  expect(answer.json()).toMatchObject({
    code: 'UNSUPPORTED_MEDIA_TYPE',
    detail: 'Send the body as application/json, in UTF-8 and without Content-Encoding.',
  });
});

test('a compressed body is refused with 415 where none is needed, too', async () => {
  const answer = await send(gzipSync('{}'), { 'content-encoding': 'gzip' }, '/confirm');
  expect(answer.statusCode).toBe(415);
});

test('a plain body that is declared as compressed is refused with 415 where bodies are ignored, too', async () => {
  const { app } = buildService((service) => void service.get('/list', () => ({})));
  for (const url of ['/list', '/health/live']) {
    const headers = { 'content-encoding': 'gzip' };
    expect((await app.inject({ method: 'GET', url, headers, payload: Buffer.from('{}') })).statusCode).toBe(
      415,
    );
  }
});

test('Content-Encoding identity, or with no body, changes nothing', async () => {
  const identity = await send(Buffer.from('{"name":"a"}'), { 'content-encoding': 'Identity' });
  expect(identity.json()).toEqual({ name: 'a' });
  const { app } = buildService(define);
  const empty = await app.inject({
    method: 'POST',
    url: '/confirm',
    headers: { 'content-encoding': 'gzip' },
  });
  expect(empty.json()).toEqual({ confirmed: true });
});
