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
        handler: (request, reply) => {
          const { userId = null } = (request.body ?? {}) as { userId?: string | null };
          const { idempotency } = idempotencyOf(request, userId);
          const seen = { ...idempotency, fingerprint: idempotency?.fingerprint.toString() };
          return tellReplay(reply, { replayed: request.headers['x-again'] === 'yes' }).send(seen);
        },
      });
    }
  });
  const ask = (
    key: string | string[] | undefined,
    body: unknown = {},
    { method = 'POST', id = 'a' }: { method?: 'POST' | 'DELETE' | 'GET'; id?: string } = {},
  ) =>
    app.inject({
      method,
      url: `/seats/${id}`,
      headers: { ...(key !== undefined && { 'idempotency-key': key }), 'content-type': 'application/json' },
      ...(method === 'GET' ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const fingerprint = async (body: unknown, options = {}) =>
    (await ask('k', body, options)).json<{ fingerprint: string }>().fingerprint;
  return { app, ask, fingerprint, lines };
}

describe('an Idempotency-Key', () => {
  it('an Idempotency-Key goes to the verb with its caller and the template of its route', async () => {
    const answer = await build().ask('order-7', { userId: 'ani' });
    expect(answer.json()).toMatchObject({ key: 'order-7', caller: 'user ani', route: 'POST /seats/:seatId' });
  });

  it('a key without a user never equals the key of a user, of any name', async () => {
    const { ask } = build();
    const withoutUser = (await ask('k')).json<{ caller: string }>().caller;
    for (const userId of ['anybody', 'user', withoutUser]) {
      expect((await ask('k', { userId })).json<{ caller: string }>().caller).not.toBe(withoutUser);
    }
  });

  it.each(['x', '!', '~', 'x'.repeat(255), '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])(
    'accepts the Idempotency-Key %j',
    async (key) => {
      const { ask } = build();
      expect((await ask(key)).json()).toMatchObject({ key });
      expect((await ask(key, {}, { method: 'DELETE' })).json()).toMatchObject({ key });
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
    const answer = await build().ask('a b', undefined, { method: 'GET' });
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

describe('the fingerprint of a request', () => {
  const id = '01a2082d-7486-721a-9bc4-ee6c8ca29bc6';

  it.each([
    ['the members in another order', { a: 1, b: { c: 2, d: 3 } }, '{"b":{"d":3,"c":2},"a":1}'],
    ['ids in another case', { seatIds: [id] }, { seatIds: [id.toUpperCase()] }],
    ['other white space', { a: [1, 2] }, '{ "a" : [ 1, 2 ] }'],
    ['a number written in another way', { a: 10 }, '{"a":1e1}'],
    ['a text written in another way', { a: 'é' }, '{"a":"\\u00e9"}'],
  ])('two requests have one fingerprint with %s', async (_name, one, other) => {
    const { fingerprint } = build();
    expect(await fingerprint(other)).toBe(await fingerprint(one));
    expect(await fingerprint(one, { id: id.toUpperCase() })).toBe(await fingerprint(one, { id }));
  });

  it.each([
    ['another value', { a: 1 }, { a: 2 }],
    ['another type', { a: 1 }, { a: '1' }],
    ['another member', { a: 1 }, { b: 1 }],
    ['one member more', { a: 1 }, { a: 1, b: null }],
    ['another order of a list', { a: [1, 2] }, { a: [2, 1] }],
    ['the members of a list joined', { a: ['x', 'y'] }, { a: ['x","y'] }],
    ['another case of a text that is no id', { a: 'Ani' }, { a: 'ani' }],
  ])('two requests have different fingerprints with %s', async (_name, one, other) => {
    const { fingerprint } = build();
    expect(await fingerprint(other)).not.toBe(await fingerprint(one));
  });

  it('two requests have different fingerprints with another path or method', async () => {
    const { fingerprint } = build();
    const all = [
      await fingerprint({}),
      await fingerprint({}, { id: 'b' }),
      await fingerprint({}, { method: 'DELETE' }),
    ];
    expect(new Set(all).size).toBe(3);
  });
});

it('a repeated answer carries idempotency-replayed', async () => {
  const { app } = build();
  const ask = (again: string) =>
    app.inject({ method: 'POST', url: '/seats/a', headers: { 'x-again': again }, payload: {} });
  expect((await ask('yes')).headers['idempotency-replayed']).toBe('true');
  expect((await ask('no')).headers['idempotency-replayed']).toBeUndefined();
});
