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
  it('makes its subject the caller', async () => {
    const { ask } = build();
    const answer = await ask('/mine', `Bearer ${signToken(claims(), { key: secret })}`);
    expect([answer.statusCode, answer.json()]).toEqual([200, { user: 'ani' }]);
  });

  it.each([
    ['one audience of several', () => ({ aud: ['other', 'ted'] })],
    ['a clock that is three seconds behind', () => ({ nbf: seconds(3) })],
    ['an end three seconds ago', () => ({ exp: seconds(-3) })],
    ['an id of 128 characters', () => ({ sub: 'x'.repeat(128) })],
  ])('is accepted with %s', async (_name, overrides) => {
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
  ])('is refused with %s', async (_name, overrides) => {
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
    ['two parts', `${head}.${body}`],
    ['the algorithm none and a signature', signToken(claims(), { key: secret, header: { alg: 'none' } })],
    ['the algorithm nOnE', signToken(claims(), { header: { alg: 'nOnE' } })],
    ['the algorithm HS512', signToken(claims(), { key: secret, header: { alg: 'HS512' } })],
    ['a public key where a secret is expected', signToken(claims(), { key: privateKey })],
    ['a list of algorithms', signToken(claims(), { key: secret, header: { alg: ['HS256'] } })],
    ['no algorithm', signToken(claims(), { key: secret, header: { alg: undefined } })],
    ['a critical extension', signToken(claims(), { key: secret, header: { crit: ['exp'], exp: 1 } })],
    ['claims of somebody else under its signature', forgedBody()],
    ['claims that are no object', signToken('ani', { key: secret })],
    ['claims that are null', signToken(null, { key: secret })],
    ['padding', `${head}.${body}.${signature}=`],
    ['other text', 'hello'],
    ['nothing', ''],
    ['a second token behind it', `${good} ${good}`],
  ])('is none with %s', async (_name, token) => {
    const { ask } = build();
    const answer = await ask('/mine', `Bearer ${token}`);
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  function forgedBody() {
    return `${head}.${Buffer.from(JSON.stringify(claims({ sub: 'budi' }))).toString('base64url')}.${signature}`;
  }

  it.each(['Basic YW5pOmFuaQ==', 'Bearer', good, `Token ${good}`, `Bearer\t${good}`])(
    'is not found in the header %j',
    async (header) => {
      expect((await build().ask('/mine', header)).statusCode).toBe(401);
    },
  );

  it('is not taken from the address or a cookie', async () => {
    const answer = await build().app.inject({
      url: `/mine?access_token=${good}&token=${good}`,
      headers: { cookie: `token=${good}` },
    });
    expect(answer.statusCode).toBe(401);
  });

  it('that is missing is asked for, without a word of error', async () => {
    const answer = await build().ask('/mine');
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is told of in Indonesian, too', async () => {
    const answer = await build().app.inject({ url: '/mine', headers: { 'accept-language': 'id' } });
    expect(answer.json().detail).toBe('Silakan masuk: diperlukan token yang sah di header Authorization.');
  });

  it('is missed before the body is looked at', async () => {
    const { app } = build();
    const answer = await app.inject({ method: 'POST', url: '/mine', payload: { a: 'x'.repeat(100_000) } });
    expect(answer.statusCode).toBe(401);
  });

  it('never appears in the log', async () => {
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
    ['/rule', 'admin', 403],
    ['/rule', { admin: true }, 403],
    ['/rule', [['admin']], 403],
    ['/rule', ['Admin'], 403],
    ['/rule', undefined, 403],
  ])('opens %s to %j: %i', async (url, roles, status) => {
    const answer = await build().ask(url, as(roles));
    expect(answer.statusCode).toBe(status);
    if (status === 403) expect(answer.json()).toMatchObject({ code: 'FORBIDDEN', retryable: false });
  });
});

describe('without a token', () => {
  it.each(['/open', '/health/live', '/health/ready', '/metrics'])('%s is open', async (url) => {
    const { ask } = build();
    expect((await ask(url)).statusCode).toBe(200);
    expect((await ask(url, 'Bearer wrong')).statusCode).toBe(200);
  });

  it('what does not exist is not there, as with one', async () => {
    expect((await build().ask('/nope')).statusCode).toBe(404);
  });

  it.each(['/mine/', '//mine', '/MINE', '/%6dine', '/mine;x', '/./mine'])(
    'no other spelling of an address opens it: %s',
    async (url) => {
      expect([401, 404]).toContain((await build().ask(url)).statusCode);
    },
  );

  it('HEAD is refused where GET is', async () => {
    const answer = await build().app.inject({ method: 'HEAD', url: '/mine' });
    expect(answer.statusCode).toBe(401);
  });

  it.each(['x-http-method-override', 'x-method-override'])('%s opens nothing', async (name) => {
    const answer = await build().app.inject({ url: '/mine', headers: { [name]: 'OPTIONS' } });
    expect(answer.statusCode).toBe(401);
  });
});

describe('while authentication is off', () => {
  it('everybody may do everything, and a warning says so', async () => {
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

  it('a token means nothing', async () => {
    const answer = await build({ kind: 'off' }).ask('/mine', 'Bearer wrong');
    expect(answer.json()).toEqual({ user: null });
  });
});
