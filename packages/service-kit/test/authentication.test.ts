import { generateKeyPairSync } from 'node:crypto';
import { claimsOf, signToken } from '@ticketing/testkit';
import { describe, expect, it } from 'vitest';
import { createLogger, type AuthenticationSettings } from '../src/index.ts';
import { addAuthentication, buildService, createLogSink } from './fixtures/build-service.ts';

const secret = 'correct horse battery staple, 2026';
const settings: AuthenticationSettings = {
  kind: 'secret',
  secret,
  issuer: 'https://id.test',
  audience: 'ted',
};
const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow;

function claims(overrides: object = {}, ...roles: string[]) {
  return { ...claimsOf('ani', ...roles), iss: 'https://id.test', aud: 'ted', ...overrides };
}

function build(overrides: AuthenticationSettings = settings) {
  const warnings = createLogSink();
  const { app, lines } = buildService((service) => {
    addAuthentication(
      service,
      overrides,
      createLogger({ name: 'test-api', level: 'warn', destination: warnings }),
    );
    service.get('/mine', (request) => ({ user: request.caller.userId }));
    service.post('/mine', (request) => ({ user: request.caller.userId }));
    service.get('/open', { config: { access: 'public' } }, (request) => ({ user: request.caller.userId }));
    service.get('/organize', { config: { access: 'organizer' } }, () => ({ done: true }));
    service.get('/pay', { config: { access: 'payments' } }, () => ({ done: true }));
    service.get('/rule', { config: { access: 'admin' } }, () => ({ done: true }));
  });
  const ask = (url: string, authorization?: string) =>
    app.inject({ url, headers: authorization === undefined ? {} : { authorization } });
  return { app, ask, lines, warnings: warnings.lines };
}

describe('a token', () => {
  it('the subject of a valid token is the caller', async () => {
    const { ask } = build();
    const answer = await ask('/mine', `Bearer ${signToken(claims(), { key: secret })}`);
    expect([answer.statusCode, answer.json()]).toEqual([200, { user: 'ani' }]);
  });

  it.each([
    ['one audience of several', () => ({ aud: ['other', 'ted'] })],
    ['a clock that is three seconds behind', () => ({ nbf: seconds(3) })],
    ['an end three seconds ago', () => ({ exp: seconds(-3) })],
    ['an id of 128 characters', () => ({ sub: 'x'.repeat(128) })],
  ])('accepts a token with %s', async (_name, overrides) => {
    const { ask } = build();
    const answer = await ask('/mine', `bearer ${signToken(claims(overrides()), { key: secret })}`);
    expect(answer.statusCode).toBe(200);
  });

  it.each([
    ['an end that is past', { exp: seconds(-60) }],
    ['no end', { exp: undefined }],
    ['an end that is text', { exp: '2999-01-01' }],
    ['a beginning that is to come', { nbf: seconds(60) }],
    ['a beginning that is text', { nbf: 'now' }],
    ['another issuer', { iss: 'https://id.test.evil' }],
    ['no issuer', { iss: undefined }],
    ['a list of issuers', { iss: ['https://id.test'] }],
    ['another audience', { aud: 'teddy' }],
    ['no audience', { aud: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a subject that is a number', { sub: 7 }],
    ['a subject with a line break', { sub: 'ani\nbudi' }],
    ['a subject of 129 characters', { sub: 'x'.repeat(129) }],
  ])('refuses a token with %s', async (_name, overrides) => {
    const { ask } = build();
    const answer = await ask('/mine', `Bearer ${signToken(claims(overrides), { key: secret })}`);
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
    expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
  });

  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const good = signToken(claims(), { key: secret });
  const [head = '', body = '', signature = ''] = good.split('.');
  it.each([
    ['another secret', signToken(claims(), { key: `${secret}!` })],
    ['no signature and the algorithm none', signToken(claims())],
    ['no signature', `${head}.${body}.`],
    ['two segments', `${head}.${body}`],
    ['the algorithm none and a signature', signToken(claims(), { key: secret, header: { alg: 'none' } })],
    ['the algorithm nOnE', signToken(claims(), { header: { alg: 'nOnE' } })],
    ['the algorithm HS512', signToken(claims(), { key: secret, header: { alg: 'HS512' } })],
    ['a public key where a secret is expected', signToken(claims(), { key: privateKey })],
    ['a list of algorithms', signToken(claims(), { key: secret, header: { alg: ['HS256'] } })],
    ['no algorithm', signToken(claims(), { key: secret, header: { alg: undefined } })],
    ['a critical extension', signToken(claims(), { key: secret, header: { crit: ['exp'], exp: 1 } })],
    ['claims of another user under its signature', forgedBody()],
    ['claims that are no object', signToken('ani', { key: secret })],
    ['claims that are null', signToken(null, { key: secret })],
    ['padding', `${head}.${body}.${signature}=`],
    ['other text', 'hello'],
    ['nothing', ''],
    ['a second token behind it', `${good} ${good}`],
  ])('refuses a malformed or forged token: %s', async (_name, token) => {
    const { ask } = build();
    const answer = await ask('/mine', `Bearer ${token}`);
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  function forgedBody() {
    return `${head}.${Buffer.from(JSON.stringify(claims({ sub: 'budi' }))).toString('base64url')}.${signature}`;
  }

  it.each(['Basic YW5pOmFuaQ==', 'Bearer', good, `Token ${good}`, `Bearer\t${good}`])(
    'finds no token in the header %j',
    async (header) => {
      expect((await build().ask('/mine', header)).statusCode).toBe(401);
    },
  );

  it('takes no token from the URL or a cookie', async () => {
    const answer = await build().app.inject({
      url: `/mine?access_token=${good}&token=${good}`,
      headers: { cookie: `token=${good}` },
    });
    expect(answer.statusCode).toBe(401);
  });

  it('a missing token is answered with WWW-Authenticate that names no error', async () => {
    const answer = await build().ask('/mine');
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('answers a missing token in Indonesian, too', async () => {
    const answer = await build().app.inject({ url: '/mine', headers: { 'accept-language': 'id' } });
    expect(answer.json().detail).toBe('Silakan masuk: diperlukan token yang sah di header Authorization.');
  });

  it('refuses a missing token before the body is read', async () => {
    const { app } = build();
    const answer = await app.inject({ method: 'POST', url: '/mine', payload: { a: 'x'.repeat(100_000) } });
    expect(answer.statusCode).toBe(401);
  });

  it('a token never appears in the log', async () => {
    const { ask, lines } = build();
    await ask('/mine', `Bearer ${good}`);
    await ask('/mine', `Bearer ${good}x`);
    expect(JSON.stringify(lines)).not.toContain(signature);
  });
});

describe('a role', () => {
  const as = (...roles: unknown[]) =>
    `Bearer ${signToken(claims({ roles: roles.length === 1 ? roles[0] : roles }), { key: secret })}`;

  it.each([
    ['/organize', ['organizer'], 200],
    ['/organize', ['payments'], 403],
    ['/organize', ['admin'], 200],
    ['/organize', [], 403],
    ['/pay', ['payments'], 200],
    ['/pay', ['organizer'], 403],
    ['/pay', ['admin', 'customer'], 200],
    ['/rule', ['organizer', 'payments'], 403],
    ['/rule', ['admin'], 200],
    ['/rule', 'admin', 200],
    ['/pay', 'openid  payments\temail', 200],
    ['/rule', 'organizer payments', 403],
    ['/rule', 'admin,payments', 403],
    ['/rule', ['admin', 7], 403],
    ['/rule', { admin: true }, 403],
    ['/rule', [['admin']], 403],
    ['/rule', ['Admin'], 403],
    ['/rule', undefined, 403],
  ])('%s with the roles %j is answered %i', async (url, roles, status) => {
    const answer = await build().ask(url, as(roles));
    expect(answer.statusCode).toBe(status);
    if (status === 403) expect(answer.json()).toMatchObject({ code: 'FORBIDDEN', retryable: false });
  });
});

describe('without a token', () => {
  it.each(['/open', '/health/live', '/health/ready', '/metrics'])('%s needs no token', async (url) => {
    const { ask } = build();
    expect((await ask(url)).statusCode).toBe(200);
    expect((await ask(url, 'Bearer wrong')).statusCode).toBe(200);
  });

  it('an unknown route is 404 without a token, too', async () => {
    expect((await build().ask('/nope')).statusCode).toBe(404);
  });

  it.each(['/mine/', '//mine', '/MINE', '/%6dine', '/mine;x', '/./mine'])(
    'another spelling of a protected path opens nothing: %s',
    async (url) => {
      expect([401, 404]).toContain((await build().ask(url)).statusCode);
    },
  );

  it('HEAD of a protected route needs a token, as GET does', async () => {
    const answer = await build().app.inject({ method: 'HEAD', url: '/mine' });
    expect(answer.statusCode).toBe(401);
  });

  it.each(['x-http-method-override', 'x-method-override'])(
    'the header %s opens no protected route',
    async (name) => {
      const answer = await build().app.inject({ url: '/mine', headers: { [name]: 'OPTIONS' } });
      expect(answer.statusCode).toBe(401);
    },
  );
});

describe('while authentication is off', () => {
  it('every request has every role while authentication is off, and a warning is logged', async () => {
    const { ask, warnings } = build({ kind: 'off' });
    for (const url of ['/mine', '/open', '/organize', '/pay', '/rule']) {
      expect((await ask(url)).statusCode).toBe(200);
    }
    expect(warnings).toMatchObject([
      {
        level: 'warn',
        msg: 'authentication is off: user ids are believed as sent, and every request has every role',
      },
    ]);
  });

  it('a token is ignored while authentication is off', async () => {
    const answer = await build({ kind: 'off' }).ask('/mine', 'Bearer wrong');
    expect(answer.json()).toEqual({ user: null });
  });
});
