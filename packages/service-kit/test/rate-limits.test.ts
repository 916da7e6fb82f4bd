import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { authentication as authenticationPlugin } from '../src/auth/authentication.ts';
import { createTokenVerifier } from '../src/auth/token-verifier.ts';
import { variableFormats } from '../src/config/variable-formats.ts';
import type { AuthenticationSettings } from '../src/index.ts';
import { addressLimit, userLimit, type LimitOptions } from '../src/limits/rate-limits.ts';
import { claimsOf, signToken } from '@ticketing/testkit';
import { buildService } from './fixtures/build-service.ts';

const secret = 'correct horse battery staple, 2026';

interface Edge {
  readonly authentication?: AuthenticationSettings;
  readonly trustedProxies?: string;
  readonly limits?: Partial<LimitOptions>;
}

function build({ authentication = { kind: 'off' }, trustedProxies, limits }: Edge = {}) {
  const built = buildService(
    (app) => {
      const { log } = app;
      const options = { max: 2, windowSeconds: 10, logger: log as LimitOptions['logger'], ...limits };
      app.register(addressLimit, options);
      const { logger } = options;
      const tokens = createTokenVerifier(authentication, { logger, registry: new Registry() });
      app.register(authenticationPlugin, { tokens, logger });
      app.register(userLimit, options);
      app.post('/write', () => ({ done: true }));
      app.delete('/write', () => ({ done: true }));
      app.get('/read', () => ({ done: true }));
    },
    { trustedProxies },
  );
  const send = async (options: {
    method?: 'POST' | 'DELETE' | 'GET' | 'HEAD';
    url?: string;
    from?: string;
    headers?: Record<string, string>;
    user?: unknown;
  }) => {
    const { method = 'POST', url = '/write', from = '203.0.113.7', headers = {}, user } = options;
    const payload = user === undefined ? {} : { payload: { userId: user } };
    return built.app.inject({ method, url, remoteAddress: from, headers, ...payload });
  };
  /** How many of so many are let through. */
  const passed = async (times: number, options: (n: number) => Parameters<typeof send>[0]) => {
    let count = 0;
    for (let n = 0; n < times; n += 1) if ((await send(options(n))).statusCode !== 429) count += 1;
    return count;
  };
  return { ...built, send, passed };
}

describe('requests that write', () => {
  it('limits writes per user that the body names, while authentication is off', async () => {
    const { send, passed } = build();
    expect(await passed(5, () => ({ user: 'ani' }))).toBe(2);
    expect(await passed(5, () => ({ user: 'budi' }))).toBe(2);
    const answer = await send({ user: 'ani' });
    expect(answer.statusCode).toBe(429);
    expect(answer.json()).toMatchObject({ code: 'RATE_LIMITED', retryable: true });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(10);
  });

  it('limits writes per user of the token, from any address', async () => {
    const { passed } = build({ authentication: { kind: 'secret', secret } });
    const as = (user: string) => ({
      authorization: `Bearer ${signToken(claimsOf(user), { key: secret })}`,
    });
    expect(await passed(5, (n) => ({ from: `203.0.113.${n}`, headers: as('ani') }))).toBe(2);
    expect(await passed(5, () => ({ method: 'DELETE', headers: as('ani') }))).toBe(0);
    expect(await passed(5, () => ({ headers: as('budi') }))).toBe(2);
  });

  it('limits writes per address, for all users that they name', async () => {
    const { passed } = build();
    expect(await passed(30, (n) => ({ user: `user-${n}` }))).toBe(20);
    expect(await passed(5, () => ({ from: '203.0.113.8' }))).toBe(5);
  });

  it('limits writes per address before the token is verified: guesses of tokens are bounded', async () => {
    const { passed } = build({ authentication: { kind: 'secret', secret } });
    expect(await passed(30, (n) => ({ headers: { authorization: `Bearer guess-${n}` } }))).toBe(20);
  });

  it('counts writes by the first 64 bits of an IPv6 address', async () => {
    const { passed } = build();
    expect(await passed(30, (n) => ({ from: `2001:db8:1:2:${n.toString(16)}::7` }))).toBe(20);
    expect(await passed(5, () => ({ from: '2001:db8:1:3::7' }))).toBe(5);
  });

  it('counts an IPv4 address and its IPv6 form as one', async () => {
    const { passed } = build();
    expect(await passed(20, () => ({ from: '203.0.113.7' }))).toBe(20);
    expect(await passed(5, () => ({ from: '::ffff:203.0.113.7' }))).toBe(0);
  });

  it('RATE_LIMIT_MAX 0 limits nothing', async () => {
    const { passed } = build({ limits: { max: 0 } });
    expect(await passed(50, () => ({ user: 'ani' }))).toBe(50);
  });

  it.each([7, 'a b', 'x'.repeat(129), ''])(
    'counts a write with a malformed user id by address: %j',
    async (user) => {
      expect(await build().passed(30, () => ({ user }))).toBe(20);
    },
  );
});

describe('callers with a role', () => {
  const authentication = { kind: 'secret', secret } as const;
  const as = (user: string, ...roles: string[]) => ({
    authorization: `Bearer ${signToken(claimsOf(user, ...roles), { key: secret })}`,
  });
  const limits = { max: 2, staffMax: 50 };

  it.each(['payments', 'organizer', 'admin'])(
    'limits a caller with the role %s by staffMax',
    async (role) => {
      const { send, passed } = build({ authentication, limits });
      expect(await passed(60, () => ({ headers: as('shop', role) }))).toBe(50);
      const answer = await send({ headers: as('shop', role) });
      expect(answer.json()).toMatchObject({ code: 'RATE_LIMITED' });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    },
  );

  it('counts a user with a role apart from the same user without one', async () => {
    const { passed } = build({ authentication, limits });
    expect(await passed(10, () => ({ headers: as('ani', 'payments') }))).toBe(10);
    expect(await passed(5, () => ({ headers: as('ani', 'unknown') }))).toBe(2);
  });

  it('a verified caller with a role gives the count of its address back', async () => {
    const { passed } = build({ authentication, limits });
    expect(await passed(40, () => ({ headers: as('shop', 'payments') }))).toBe(40);
    expect(await passed(30, (n) => ({ headers: as(`user-${n}`) }))).toBe(20);
  });

  it('a burst of a caller with a role passes, though more than its address may send are under way', async () => {
    const { send } = build({ authentication, limits });
    const answers = await Promise.all(
      Array.from({ length: 45 }, () => send({ headers: as('shop', 'payments') })),
    );
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(45);
  });

  it('a caller with a role passes while its address has sent too many, and other callers do not', async () => {
    const { passed } = build({ authentication, limits });
    expect(await passed(30, () => ({ headers: { authorization: 'Bearer a.b.c' } }))).toBe(20);
    expect(await passed(5, () => ({ headers: as('budi') }))).toBe(0);
    expect(await passed(5, () => ({}))).toBe(0);
    expect(await passed(5, () => ({ headers: as('shop', 'payments') }))).toBe(5);
  });

  it('beyond the limit of staff an address is refused before its tokens are verified', async () => {
    const { passed, lines } = build({ authentication, limits });
    await passed(100, () => ({ headers: { authorization: 'Bearer a.b.c' } }));
    // 20 of the address, and 50 more.
    expect(lines.filter(({ msg }) => msg === 'token refused')).toHaveLength(70);
  });

  it('while authentication is off every caller has the limit of users, and gives nothing back', async () => {
    const { passed } = build({ limits });
    expect(await passed(5, () => ({ user: 'ani', headers: as('ani', 'admin') }))).toBe(2);
    expect(await passed(30, (n) => ({ user: `user-${n}`, headers: as('ani', 'admin') }))).toBe(15);
  });

  it('RATE_LIMIT_MAX 0 limits no caller with a role', async () => {
    const { passed } = build({ authentication, limits: { max: 0, staffMax: 1 } });
    expect(await passed(50, () => ({ headers: as('shop', 'payments') }))).toBe(50);
  });
});

describe('other requests', () => {
  it('reads, health and metrics are not limited', async () => {
    const { passed } = build();
    for (const url of ['/read', '/health/live', '/metrics']) {
      expect(await passed(30, () => ({ method: 'GET', url }))).toBe(30);
    }
    expect(await passed(30, () => ({ method: 'HEAD', url: '/read' }))).toBe(30);
  });

  it('requests for unknown routes are limited per address', async () => {
    const { passed } = build();
    expect(await passed(30, (n) => ({ method: 'GET', url: `/guess/${n}` }))).toBe(20);
  });
});

describe('the address of a client', () => {
  const forged = (n: number) => ({ headers: { 'x-forwarded-for': `198.51.100.${n}` } });

  it('the address is that of the connection: a forged X-Forwarded-For changes nothing', async () => {
    expect(await build().passed(30, forged)).toBe(20);
  });

  it('the address is the one that a trusted proxy forwards', async () => {
    const { passed } = build({ trustedProxies: '10.0.0.0/8, fd00::/8' });
    expect(await passed(30, (n) => ({ ...forged(n), from: '10.1.2.3' }))).toBe(30);
    expect(await passed(30, (n) => ({ ...forged(n), from: '203.0.113.7' }))).toBe(20);
  });

  it('the address is the last untrusted one: entries that the client wrote are not believed', async () => {
    const { passed } = build({ trustedProxies: '10.0.0.0/8' });
    const through = (n: number) => ({
      from: '10.1.2.3',
      headers: { 'x-forwarded-for': `198.51.100.${n}, 203.0.113.9, 10.9.9.9` },
    });
    expect(await passed(30, through)).toBe(20);
  });

  it('the address is that of the connection when a proxy forwards something else', async () => {
    const { passed } = build({ trustedProxies: '10.0.0.0/8' });
    const odd = (n: number) => ({ from: '10.1.2.3', headers: { 'x-forwarded-for': `unknown-${n}` } });
    expect(await passed(30, odd)).toBe(20);
  });
});

describe('TRUSTED_PROXIES', () => {
  it.each(['10.0.0.0/8', '10.0.0.0/8, fd00::/8', '192.0.2.7', '::1', '0.0.0.0/0'])(
    'TRUSTED_PROXIES accepts %j',
    (text) => {
      expect(variableFormats['cidr-list']!.isValid(text)).toBe(true);
    },
  );

  it.each(['loopback', '10.0.0.0/33', '10.0.0/8', '1', 'true', '10.0.0.0/8,', '10.0.0.0/-1', '::/129'])(
    'TRUSTED_PROXIES refuses %j',
    (text) => {
      expect(variableFormats['cidr-list']!.isValid(text)).toBe(false);
    },
  );
});
