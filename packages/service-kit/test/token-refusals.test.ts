import { claimsOf, signToken } from '@ticketing/testkit';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '../src/index.ts';
import { addAuthentication, buildService, createLogSink } from './fixtures/build-service.ts';
import { createSigner, openService, startIssuer, tokenOf } from './fixtures/issuer.ts';

const secret = 'correct horse battery staple, 2026';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: Date.now() });
});
afterEach(() => vi.useRealTimers());

function build() {
  const sink = createLogSink();
  const logger = createLogger({ name: 'test-api', level: 'info', destination: sink });
  const registry = new Registry();
  const { app } = buildService((service) => {
    const settings = { kind: 'secret', secret, issuer: 'https://id.test', audience: 'ted' } as const;
    addAuthentication(service, settings, logger, registry);
    service.get('/mine', () => ({ done: true }));
  });
  const send = (authorization: string) => app.inject({ url: '/mine', headers: { authorization } });
  const counts = () => countsIn(registry);
  return { app, send, lines: sink.lines, counts };
}

/** The reasons that were counted. */
async function countsIn(registry: Registry): Promise<Record<string, number>> {
  const { values = [] } = (await registry.getSingleMetric('tokens_refused_total')?.get()) ?? {};
  return Object.fromEntries(
    values.filter(({ value }) => value > 0).map(({ labels, value }) => [labels['reason'], value]),
  );
}

const bearer = (text: string) => `Bearer ${text}`;
const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow;
const token = (claims: object = {}, signature: object = {}) =>
  signToken(
    { ...claimsOf('ani'), iss: 'https://id.test', aud: 'ted', ...claims },
    { key: secret, ...signature },
  );

it.each<[string, string, string, object]>([
  ['malformed', 'the header Authorization holds no signed JWT', 'Basic YW5pOmFuaQ==', {}],
  ['malformed', 'the header Authorization holds no signed JWT', 'Bearer opaque-token', {}],
  ['malformed', 'the header Authorization holds no signed JWT', bearer(signToken(null, { key: secret })), {}],
  ['algorithm', 'their algorithm is not allowed', bearer(token({}, { header: { alg: 'HS512' } })), {}],
  ['signature', 'their signature is wrong', bearer(token({}, { key: `${secret}!` })), {}],
  ['expired', 'they have expired', bearer(token({ exp: seconds(-60) })), {}],
  ['not_yet_valid', 'they are not valid yet', bearer(token({ nbf: seconds(600) })), { claim: 'nbf' }],
  [
    'issuer',
    'their iss is not JWT_ISSUER',
    bearer(token({ iss: 'https://id.test/' })),
    { claim: 'iss', expected: 'https://id.test', found: '"https://id.test/"' },
  ],
  [
    'audience',
    'their aud is not JWT_AUDIENCE',
    bearer(token({ aud: ['account', 'web'] })),
    { claim: 'aud', expected: 'ted', found: '["account","web"]' },
  ],
  ['subject', 'their sub is not 1 to 128 visible ASCII characters', bearer(token({ sub: 'a b' })), {}],
  ['missing_claim', 'a claim is missing', bearer(token({ exp: undefined })), { claim: 'exp' }],
  ['missing_claim', 'a claim is missing', bearer(token({ aud: undefined })), { claim: 'aud' }],
  ['claim_type', 'a claim has the wrong type', bearer(token({ exp: 'tomorrow' })), { claim: 'exp' }],
])('counts and logs a refused token as %s: %s', async (reason, sentence, authorization, details) => {
  const { send, lines, counts } = build();
  expect((await send(authorization)).statusCode).toBe(401);
  expect(await counts()).toEqual({ [reason]: 1 });
  expect(lines.filter(({ msg }) => msg.startsWith('tokens refused'))).toEqual([
    expect.objectContaining({
      level: 'warn',
      msg: `tokens refused: ${sentence}`,
      reason,
      count: 1,
      ...details,
    }),
  ]);
  const [, , signature = 'YW5pOmFuaQ'] = authorization.split('.');
  expect(JSON.stringify(lines)).not.toContain(signature);
});

it('counts and logs tokens of an unknown key, and tokens while there are no keys', async () => {
  const [one, two] = [createSigner('one'), createSigner('two')];
  const issuer = await startIssuer(one);
  const known = openService(issuer.url);
  expect(await known.ask(tokenOf(two))).toBe(401);
  expect(await known.metrics()).toContain('tokens_refused_total{reason="unknown_key"} 1');
  expect(known.warnings().map(({ msg }) => msg)).toContain('tokens refused: no key fits them');

  issuer.mode = 'broken';
  const without = openService(issuer.url);
  expect(await without.ask(tokenOf(one))).toBe(503);
  expect(await without.metrics()).toContain('tokens_refused_total{reason="keys_unavailable"} 1');
  expect(without.warnings().map(({ msg }) => msg)).toContain(
    'tokens refused: the keys that verify them cannot be read',
  );
});

it('logs each reason once a minute, with the number since its last line', async () => {
  const { send, lines } = build();
  const counted = () =>
    lines.filter(({ msg }) => msg.startsWith('tokens refused')).map((l) => [l['reason'], l['count']]);
  for (let n = 0; n < 5; n += 1) await send(`Bearer ${token({ exp: seconds(-60) })}`);
  await send('Bearer x');
  expect(counted()).toEqual([
    ['expired', 1],
    ['malformed', 1],
  ]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(counted().slice(2)).toEqual([['expired', 4]]);
  await vi.advanceTimersByTimeAsync(300_000);
  expect(counted()).toHaveLength(3);
  await send(`Bearer ${token({ exp: seconds(-60) })}`);
  expect(counted().slice(3)).toEqual([['expired', 1]]);
});

it('counts no request without a token, and no valid token', async () => {
  const { app, send, counts } = build();
  expect((await app.inject('/mine')).statusCode).toBe(401);
  expect((await send(`Bearer ${token()}`)).statusCode).toBe(200);
  expect(await counts()).toEqual({});
});
