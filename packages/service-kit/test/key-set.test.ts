import { generateKeyPairSync } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { claimsOf, signToken } from '@ticketing/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSigner, jwkOf, openService, startIssuer, tokenOf } from './fixtures/issuer.ts';

/** Advances the clock, without waiting. */
const later = (ms: number) => vi.advanceTimersByTimeAsync(ms);
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: Date.now() });
});
afterEach(() => vi.useRealTimers());

const [one, two, other] = [
  createSigner('one', 'rsa'),
  createSigner('two', 'rsa'),
  createSigner('other', 'rsa'),
];
const curve = createSigner('curve');

async function openWith(keys: unknown) {
  const issuer = await startIssuer();
  issuer.document = { keys };
  return { issuer, ...openService(issuer.url) };
}

describe('a set of keys', () => {
  it('takes a key that is listed twice under its id for one', async () => {
    const { ask } = await openWith([jwkOf(one), jwkOf(one), jwkOf(one, { x5t: 'other member' })]);
    expect(await ask(tokenOf(one))).toBe(200);
    expect(await ask(tokenOf(other, { kid: 'one' }))).toBe(401);
  });

  it('tries the different keys that have one id', async () => {
    const { ask } = await openWith([jwkOf(one), jwkOf(two, { kid: 'one' })]);
    expect(await ask(tokenOf(one))).toBe(200);
    expect(await ask(tokenOf(two, { kid: 'one' }))).toBe(200);
    expect(await ask(tokenOf(other, { kid: 'one' }))).toBe(401);
  });

  it('tries each fitting key for a token that names none', async () => {
    const { ask } = await openWith([jwkOf(curve), jwkOf(one), jwkOf(two)]);
    for (const signer of [one, two, curve]) expect(await ask(tokenOf(signer, { kid: undefined }))).toBe(200);
    expect(await ask(tokenOf(other, { kid: undefined }))).toBe(401);
  });

  it('judges the claims of a token that names no key', async () => {
    const { ask } = await openWith([jwkOf(one), jwkOf(two)]);
    expect(await ask(tokenOf(two, { kid: undefined }, { exp: 1 }))).toBe(401);
    expect(await ask(tokenOf(two, { kid: undefined }, { sub: '' }))).toBe(401);
  });

  it('tries five keys at most for a token that names none', async () => {
    const signers = Array.from({ length: 6 }, (_, n) => createSigner(`key-${n}`));
    const { ask } = await openWith(signers.map((signer) => jwkOf(signer)));
    expect(await ask(tokenOf(signers[4]!, { kid: undefined }))).toBe(200);
    expect(await ask(tokenOf(signers[5]!, { kid: undefined }))).toBe(401);
    expect(await ask(tokenOf(signers[5]!))).toBe(200);
  });

  it('reads a new key for a token that names none', async () => {
    const { issuer, ask } = await openWith([jwkOf(one)]);
    expect(await ask(tokenOf(one, { kid: undefined }))).toBe(200);
    issuer.document = { keys: [jwkOf(two)] };
    expect(await ask(tokenOf(two, { kid: undefined }))).toBe(401);
    await later(11_000);
    expect(await ask(tokenOf(two, { kid: undefined }))).toBe(200);
  });
});

describe('a key that is not used', () => {
  const encryption = createSigner('bad', 'rsa');
  const pss = generateKeyPairSync('ed448');
  it.each<[string, object]>([
    ['is RSA of 1024 bits; 2048 to 16384 are accepted', jwkOf(createSigner('bad', 1024))],
    ['is RSA of 2047 bits; 2048 to 16384 are accepted', jwkOf(createSigner('bad', 2047))],
    ['is not for signatures by its use', jwkOf(encryption, { use: 'enc' })],
    ['is not for signatures by its key_ops', jwkOf(encryption, { key_ops: ['encrypt'] })],
    ['is not for signatures by its key_ops', jwkOf(encryption, { key_ops: 'verify' })],
    ['has the algorithm RSA-OAEP', jwkOf(encryption, { alg: 'RSA-OAEP' })],
    ['has the algorithm ES256', jwkOf(encryption, { alg: 'ES256' })],
    ['has the algorithm HS256', jwkOf(encryption, { alg: 'HS256' })],
    ['cannot be read', jwkOf(encryption, { n: 7 })],
    ['cannot be read', jwkOf(curve, { kid: 'bad', y: 'AAAA' })],
    ['is of the kind OKP Ed448', { ...pss.publicKey.export({ format: 'jwk' }), kid: 'bad' }],
    ['is of the kind AKP', { kty: 'AKP', kid: 'bad' }],
    ['is of the kind a value of type number', { kty: 7, kid: 'bad' }],
    ['has no kind', { kid: 'bad' }],
    ['is a secret, which must not be published', { kty: 'oct', k: 'c2VjcmV0', kid: 'bad' }],
    [
      'is a private key, which must not be published',
      { ...encryption.privateKey.export({ format: 'jwk' }), kid: 'bad' },
    ],
  ])('a key of a set that %s spoils no other key, and is named in the log', async (reason, key) => {
    const { ask, warnings } = await openWith([key, jwkOf(one)]);
    expect(await ask(tokenOf(one))).toBe(200);
    expect(await ask(tokenOf(encryption, { kid: 'bad' }))).toBe(401);
    expect(warnings()).toContainEqual(
      expect.objectContaining({ msg: 'keys of JWKS_URL not used', refused: [{ kid: 'bad', reason }] }),
    );
    expect(JSON.stringify(warnings())).not.toContain('c2VjcmV0');
  });

  it.each([[null], ['text'], [7], [[]]])('the entry %j of a set spoils no key', async (entry) => {
    const { ask } = await openWith([entry, jwkOf(one)]);
    expect(await ask(tokenOf(one))).toBe(200);
  });

  it('a token signed by an RSA key of 1024 bits is refused', async () => {
    const weak = createSigner('weak', 1024);
    const { ask } = await openWith([jwkOf(weak), jwkOf(one)]);
    expect(await ask(tokenOf(weak))).toBe(401);
    expect(await ask(tokenOf(weak, { kid: undefined }))).toBe(401);
  });

  it('a token signed with a secret of the set is refused', async () => {
    const secret = 'a secret of at least thirty-two bytes';
    const oct = { kty: 'oct', kid: 'oct', alg: 'HS256', k: Buffer.from(secret).toString('base64url') };
    const { ask } = await openWith([oct, jwkOf(one)]);
    expect(await ask(signToken(claimsOf('ani'), { key: secret, header: { kid: 'oct' } }))).toBe(401);
  });

  it('uses the first hundred keys of a set', async () => {
    const { publicKey } = curve;
    const many = Array.from({ length: 120 }, (_, n) => jwkOf({ ...curve, publicKey, kid: `key-${n}` }));
    const { ask, warnings } = await openWith(many);
    expect(await ask(tokenOf(curve, { kid: 'key-99' }))).toBe(200);
    expect(await ask(tokenOf(curve, { kid: 'key-100' }))).toBe(401);
    expect(JSON.stringify(warnings())).toContain('comes after 100 others');
  });
});

describe('a document that gives no key', () => {
  const discovery = { issuer: 'https://id.test', jwks_uri: 'https://user:pass@id.test/certs' };
  const unusable: [string, unknown][] = [
    ['has no usable key', { keys: [] }],
    ['has no usable key: the first is RSA of 1024 bits; 2048 to 16384 are accepted', weakSet()],
    ['is an OpenID discovery document; set it to its jwks_uri', discovery],
    ['answers JSON without a list of keys', {}],
    ['answers JSON without a list of keys', { keys: { one: 1 } }],
    ['answers JSON without a list of keys', 'null'],
    ['answers JSON without a list of keys', '7'],
    ['answers no JSON', '<html>sign in</html>'],
    ['answers no JSON', ''],
    ['answers more than 512 KiB', { keys: [jwkOf(one)], padding: 'x'.repeat(512 * 1024) }],
  ];
  function weakSet() {
    return { keys: [jwkOf(createSigner('weak', 1024))] };
  }

  it.each(unusable)('keeps the keys that it has when JWKS_URL %s', async (reason, document) => {
    const { issuer, ask, warnings } = await openWith([jwkOf(one)]);
    expect(await ask(tokenOf(one))).toBe(200);
    issuer.document = document;
    await later(601_000);
    await expect.poll(() => warnings().length).toBeGreaterThan(0);
    expect(await ask(tokenOf(one))).toBe(200);
    expect(warnings().map(({ msg }) => msg)).toContain(`keys of JWKS_URL cannot be read: it ${reason}`);
  });

  it.each(unusable)('is degraded, and says why, when at the start JWKS_URL %s', async (reason, document) => {
    const issuer = await startIssuer();
    issuer.document = document;
    const { ask, degraded, warnings } = openService(issuer.url);
    expect(await ask(tokenOf(one))).toBe(503);
    expect(degraded()).toEqual([
      {
        name: 'identity provider',
        status: 'down',
        detail: `No keys could be read: JWKS_URL ${reason}. Requests with a token are answered 503.`,
      },
    ]);
    expect(warnings().map(({ msg }) => msg)).toContain(`keys of JWKS_URL cannot be read: it ${reason}`);
    issuer.document = { keys: [jwkOf(one)] };
    await later(11_000);
    await expect.poll(degraded).toEqual([]);
    expect(await ask(tokenOf(one))).toBe(200);
  });

  it('names the jwks_uri of a discovery document in the log, without its password', async () => {
    const issuer = await startIssuer();
    issuer.document = discovery;
    const { ask, warnings } = openService(issuer.url);
    await ask(tokenOf(one));
    expect(warnings()).toContainEqual(expect.objectContaining({ jwksUri: 'https://id.test/certs' }));
    expect(JSON.stringify(warnings())).not.toContain('pass');
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    ['redirects', (response) => response.writeHead(302, { location: '/other' }).end(), 'answers 302'],
    [
      'dribbles its body',
      (response) => void response.writeHead(200).write('{'),
      'does not answer within 1500 ms',
    ],
    ['hangs up', (response) => void response.destroy(), 'does not answer'],
  ])('a URL that %s gives no keys', async (_name, answer, reason) => {
    const issuer = await startIssuer();
    issuer.answer = answer;
    const { send, warnings } = openService(issuer.url);
    const answered = await send(tokenOf(one));
    expect([answered.statusCode, answered.headers['retry-after']]).toEqual([503, '1']);
    expect(issuer.answers).toBe(1);
    expect(warnings()[0]!.msg).toContain(`it ${reason}`);
  });
});

describe('an unknown key', () => {
  it('is 503 while the last reading failed, and 401 once the set was read well', async () => {
    const { issuer, ask, send } = await openWith([jwkOf(one)]);
    expect(await ask(tokenOf(two))).toBe(401);
    issuer.mode = 'broken';
    expect(await ask(tokenOf(two))).toBe(401);
    await later(11_000);
    const answer = await send(tokenOf(two));
    expect(answer.json()).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE', retryable: true });
    expect(answer.headers['retry-after']).toBe('1');
    // A known key is judged by what is known.
    expect(await ask(tokenOf(other, { kid: 'one' }))).toBe(401);
    expect(await ask(tokenOf(one))).toBe(200);
    issuer.mode = 'well';
    await later(11_000);
    await expect.poll(() => ask(tokenOf(two))).toBe(401);
  });

  it('keys of a service without requests are read again, and its outage is logged once a minute', async () => {
    const { app, issuer, degraded, lines, warnings } = await openWith([]);
    await app.ready();
    await expect.poll(() => degraded().length).toBe(1);
    for (let n = 0; n < 11; n += 1) {
      await later(10_500);
      await expect.poll(() => issuer.answers).toBe(n + 2);
    }
    await expect.poll(() => warnings().length).toBe(2);
    issuer.document = { keys: [jwkOf(one)] };
    await later(10_500);
    await expect.poll(degraded).toEqual([]);
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'keys of JWKS_URL read again', keys: 1 }));
  });
});
