import { describe, expect, it } from 'vitest';
import { idempotencyKeys } from '../src/idempotency/idempotency-keys.ts';
import { createLogger, idempotencyOf, tellReplay } from '../src/index.ts';
import { userLimit } from '../src/limits/rate-limits.ts';
import { addAuthentication, buildService } from './fixtures/build-service.ts';

const logger = createLogger({ name: 'test-api', level: 'silent' });

function build() {
  const { app, lines } = buildService((service) => {
    addAuthentication(service, { kind: 'off' }, logger);
    service.register(userLimit, { max: 0, windowSeconds: 1, logger });
    service.register(idempotencyKeys);
    for (const method of ['POST', 'DELETE', 'GET'] as const) {
      service.route({
        method,
        url: '/seats/:seatId',
        handler: (request, reply) =>
          tellReplay(reply, { replayed: request.headers['x-again'] === 'yes' }).send(idempotencyOf(request)),
      });
    }
  });
  const ask = (
    key: string | string[] | undefined,
    { method = 'POST' }: { method?: 'POST' | 'DELETE' | 'GET' } = {},
  ) =>
    app.inject({
      method,
      url: '/seats/a',
      headers: { ...(key !== undefined && { 'idempotency-key': key }), 'content-type': 'application/json' },
      ...(method === 'GET' ? {} : { payload: '{}' }),
    });
  return { app, ask, lines };
}

describe('an Idempotency-Key', () => {
  it.each(['x', '!', '~', 'x'.repeat(255), '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])(
    'accepts the Idempotency-Key %j',
    async (key) => {
      const { ask } = build();
      expect((await ask(key)).json()).toEqual({ idempotencyKey: key });
      expect((await ask(key, { method: 'DELETE' })).json()).toEqual({ idempotencyKey: key });
    },
  );

  it.each([
    ['empty', ''],
    ['a space', 'a b'],
    ['256 characters', 'x'.repeat(256)],
    ['letters beyond ASCII', 'caf\u00e9'],
    ['DEL', 'a\u007f'],
    ['a tab', 'a\tb'],
    ['two of them', ['a', 'b']],
  ])('refuses an Idempotency-Key that is %s', async (_name, key) => {
    const answer = await build().ask(key);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [
        {
          pointer: '/idempotency-key',
          detail: 'the header Idempotency-Key must be 1 to 255 visible ASCII characters',
        },
      ],
    });
  });

  it('ignores the Idempotency-Key of a GET', async () => {
    const answer = await build().ask('a b', { method: 'GET' });
    expect([answer.statusCode, answer.json()]).toEqual([200, {}]);
  });

  it('a request needs no Idempotency-Key', async () => {
    expect((await build().ask(undefined)).json()).toEqual({});
  });

  it('an Idempotency-Key does not appear in the log', async () => {
    const { ask, lines } = build();
    await ask('a-secret-key-of-mine');
    expect(JSON.stringify(lines)).not.toContain('a-secret-key-of-mine');
  });
});

it('marks a repeated answer with idempotency-replayed', async () => {
  const { app } = build();
  const ask = (again: string) =>
    app.inject({ method: 'POST', url: '/seats/a', headers: { 'x-again': again }, payload: {} });
  expect((await ask('yes')).headers['idempotency-replayed']).toBe('true');
  expect((await ask('no')).headers['idempotency-replayed']).toBeUndefined();
});
