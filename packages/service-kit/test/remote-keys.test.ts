import { claimsOf, signToken, waitFor } from '@ticketing/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSigner, openService, startIssuer, tokenOf } from './fixtures/issuer.ts';

/** Advances the clock, without waiting. */
const later = (ms: number) => vi.advanceTimersByTimeAsync(ms);
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: Date.now() });
});
afterEach(() => vi.useRealTimers());

describe('tokens signed by a key of the URL', () => {
  it.each(['rsa', 'ec'] as const)('accepts a token signed by a key of JWKS_URL: %s', async (type) => {
    const signer = createSigner('one', type);
    const { ask } = openService((await startIssuer(signer)).url);
    expect(await ask(tokenOf(signer))).toBe(200);
  });

  it('verifies each token by the key that its id names', async () => {
    const [one, two] = [createSigner('one', 'rsa'), createSigner('two', 'rsa')];
    const { ask } = openService((await startIssuer(one, two)).url);
    expect(await ask(tokenOf(one))).toBe(200);
    expect(await ask(tokenOf(two))).toBe(200);
    expect(await ask(tokenOf(one, { kid: 'two' }))).toBe(401);
  });

  it('a token need not name its key while JWKS_URL has one', async () => {
    const one = createSigner('one');
    const { ask } = openService((await startIssuer(one)).url);
    expect(await ask(tokenOf(one, { kid: undefined }))).toBe(200);
  });

  it('any number of tokens costs one request to JWKS_URL', async () => {
    const one = createSigner('one');
    const issuer = await startIssuer(one);
    const { ask } = openService(issuer.url);
    const token = tokenOf(one);
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(token)));
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(issuer.answers).toBe(1);
  });
});

describe('tokens are refused', () => {
  it.each([
    ['signed with the public key as if it were a secret', 'pem'],
    ['signed with the modulus as if it were a secret', 'n'],
  ])('refuses a token %s', async (_name, what) => {
    const one = createSigner('one', 'rsa');
    const { ask } = openService((await startIssuer(one)).url);
    const key =
      what === 'pem'
        ? one.publicKey.export({ type: 'spki', format: 'pem' }).toString()
        : String(one.publicKey.export({ format: 'jwk' }).n);
    for (const header of [{ kid: 'one' }, { kid: 'one', alg: 'RS256' }]) {
      expect(await ask(signToken(claimsOf('ani'), { key, header }))).toBe(401);
    }
  });

  it.each([
    ['is unknown', { kid: 'two' }],
    ['is a path', { kid: '../../etc/passwd' }],
    ['is SQL', { kid: "' or 1=1 --" }],
    ['is no text', { kid: { one: true }, alg: 'RS256' }],
    ['is a property of every object', { kid: '__proto__' }],
  ])('refuses a token whose key id %s', async (_name, header) => {
    const one = createSigner('one');
    const { ask } = openService((await startIssuer(one)).url);
    expect(await ask(tokenOf(one, header))).toBe(401);
  });

  it('ignores the keys and URLs in the header of a token', async () => {
    const [one, evil] = [createSigner('one'), createSigner('evil')];
    const { ask } = openService((await startIssuer(one)).url);
    const other = await startIssuer(evil);
    const jwk = evil.publicKey.export({ format: 'jwk' });
    for (const header of [{ jwk }, { jku: other.url }, { x5u: other.url }, { jwk, kid: 'one' }]) {
      expect(await ask(tokenOf(evil, header))).toBe(401);
    }
    expect(other.answers).toBe(0);
  });

  it('refuses a token with the algorithm none beside JWKS_URL', async () => {
    const { ask } = openService((await startIssuer(createSigner('one'))).url);
    expect(await ask(signToken(claimsOf('ani'), { header: { kid: 'one' } }))).toBe(401);
  });
});

describe('keys', () => {
  it('a new key is read when a token names it, and the old keys are forgotten', async () => {
    const [old, next] = [createSigner('old'), createSigner('next')];
    const issuer = await startIssuer(old);
    const { ask } = openService(issuer.url);
    expect(await ask(tokenOf(old))).toBe(200);
    issuer.signers = [next];
    await later(11_000);
    expect(await ask(tokenOf(next))).toBe(200);
    expect(await ask(tokenOf(old))).toBe(401);
  });

  it('invented key ids cause one request to JWKS_URL in ten seconds', async () => {
    const one = createSigner('one');
    const issuer = await startIssuer(one);
    const { ask } = openService(issuer.url);
    expect(await ask(tokenOf(one))).toBe(200);
    for (let n = 0; n < 20; n += 1) expect(await ask(tokenOf(one, { kid: `invented-${n}` }))).toBe(401);
    expect(issuer.answers).toBe(1);
    await later(11_000);
    for (let n = 0; n < 20; n += 1) expect(await ask(tokenOf(one, { kid: `invented-${n}` }))).toBe(401);
    expect(issuer.answers).toBe(2);
  });

  it('a revoked key is forgotten after ten minutes', async () => {
    const [gone, stays] = [createSigner('gone'), createSigner('stays')];
    const issuer = await startIssuer(gone, stays);
    const { ask } = openService(issuer.url);
    expect(await ask(tokenOf(gone))).toBe(200);
    issuer.signers = [stays];
    await later(601_000);
    await waitFor(async () => (await ask(tokenOf(gone))) === 401, { description: 'the key to be forgotten' });
    expect(await ask(tokenOf(stays))).toBe(200);
  });

  it.each(['broken', 'silent'] as const)('keys stay valid while JWKS_URL is %s', async (mode) => {
    const one = createSigner('one');
    const issuer = await startIssuer(one);
    const { ask } = openService(issuer.url);
    expect(await ask(tokenOf(one))).toBe(200);
    issuer.mode = mode;
    await later(601_000);
    expect(await ask(tokenOf(one))).toBe(200);
    // Its key may be a new one, which cannot be looked up.
    expect(await ask(tokenOf(createSigner('two')))).toBe(503);
    expect(await ask(tokenOf(one))).toBe(200);
  });

  it('tokens are answered DEPENDENCY_UNAVAILABLE until the keys could be read', async () => {
    const one = createSigner('one');
    const issuer = await startIssuer(one);
    issuer.mode = 'broken';
    const { app, ask, lines } = openService(issuer.url);
    const answer = await app.inject({
      url: '/mine',
      headers: { authorization: `Bearer ${tokenOf(one)}` },
    });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE', retryable: true });
    expect(answer.headers['retry-after']).toBe('1');
    expect(lines.map(({ msg }) => msg)).toContain('keys of JWKS_URL cannot be read: it answers 500');
    issuer.mode = 'well';
    await later(11_000);
    expect(await ask(tokenOf(one))).toBe(200);
  });
});
