import { Type } from '@sinclair/typebox';
import { deadlineFactor } from '@ticketing/testkit';
import { expect, test } from 'vitest';
import type { HttpService } from '../src/index.ts';
import { buildService } from './fixtures/build-service.ts';

const closed = { additionalProperties: false };
const ids = Type.Array(Type.String({ format: 'uuid' }));
const at = Type.Optional(Type.String({ format: 'date-time' }));
const List = Type.Object({ seatIds: ids, at }, closed);
const EitherForm = Type.Union([
  Type.Object({ seatId: Type.String({ format: 'uuid' }), userId: Type.String(), at }, closed),
  Type.Object({ seatIds: ids, userId: Type.String(), at }, closed),
]);

function defineQuery(service: HttpService): void {
  service.get('/query', () => ({}));
}

test.each([
  ['unknown members', `{${Array.from({ length: 80_000 }, (_, n) => `"${n}":1`).join(',')}}`],
  ['an unknown member with a long name', `{"${'/'.repeat(1_000_000)}":1}`],
  ['a list of wrong ids', `{"seatIds":[${'"x",'.repeat(250_000)}"x"]}`],
  ['a list of wrong ids for either form', `{"seatIds":[${'1,'.repeat(8_000)}1],"userId":"u"}`],
  ['a long text for a moment', `{"at":"${' '.repeat(1_000_000)}"}`],
])('refuses a megabyte of %s within 250 ms by an answer of 8 kB at most', async (_what, payload) => {
  const { app } = buildService((service) => {
    const bodyLimit = 1_100_000;
    service.post('/list', { schema: { body: List }, bodyLimit }, () => ({}));
    service.post('/either', { schema: { body: EitherForm }, bodyLimit }, () => ({}));
  });
  const headers = { 'content-type': 'application/json' };
  for (const url of ['/list', '/either']) {
    await app.inject({ method: 'POST', url, headers, payload: '{}' });
    const startedAt = performance.now();
    const answer = await app.inject({ method: 'POST', url, headers, payload });
    expect(performance.now() - startedAt).toBeLessThan(250 * deadlineFactor());
    expect(answer.statusCode).toBe(400);
    expect(answer.json<{ errors: object[] }>().errors.length).toBeLessThanOrEqual(20);
    expect(answer.rawPayload.length).toBeLessThan(8_192);
  }
});

test('refuses a query of 16 KiB of unknown parameters by an answer of 8 kB at most', async () => {
  for (const query of [
    'a&'.repeat(8_000),
    'x'.repeat(16_000),
    `${'%E9'.repeat(5_000)}=1`,
    '&%E9'.repeat(4_000),
  ]) {
    const answer = await buildService(defineQuery).app.inject({ url: `/query?${query}` });
    expect(answer.statusCode).toBe(400);
    expect(answer.json<{ errors: object[] }>().errors.length).toBeLessThanOrEqual(20);
    expect(answer.rawPayload.length).toBeLessThan(8_192);
  }
});
