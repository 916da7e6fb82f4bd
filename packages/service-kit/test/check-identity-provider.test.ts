import { describe, expect, it } from 'vitest';
import { checkIdentityProvider } from '../src/index.ts';
import { createSigner, jwkOf, startIssuer } from './fixtures/issuer.ts';

const claims = { issuer: 'https://id.test', audience: 'ted' };
const rowsOf = async (settings: Parameters<typeof checkIdentityProvider>[0]) =>
  (await checkIdentityProvider(settings)).map(({ part, name, value, verdict, advice }) => {
    expect(part).toBe('identity provider');
    expect(advice === '').toBe(verdict === 'ok');
    return [name, value, verdict];
  });

describe('the check of the identity provider', () => {
  it('warns that authentication is off', async () => {
    expect(await rowsOf({ kind: 'off' })).toEqual([['authentication', 'off', 'warning']]);
  });

  it('shows a secret never, and warns of claims that are not checked', async () => {
    const secret = 'a secret of at least thirty-two bytes';
    const rows = await rowsOf({ kind: 'secret', secret });
    expect(rows).toEqual([
      ['authentication', 'JWT_SECRET (HS256)', 'ok'],
      ['JWT_ISSUER', 'not set', 'warning'],
      ['JWT_AUDIENCE', 'not set', 'warning'],
    ]);
    expect(JSON.stringify(rows)).not.toContain(secret);
  });

  it('counts the usable keys by kind, and names those that are not used', async () => {
    const issuer = await startIssuer();
    const weak = createSigner('weak', 1024);
    const [one, two, curve] = [createSigner('one', 'rsa'), createSigner('two', 'rsa'), createSigner('curve')];
    issuer.document = {
      keys: [
        jwkOf(one),
        jwkOf(one),
        jwkOf(two),
        jwkOf(curve),
        jwkOf(weak),
        jwkOf(two, { use: 'enc', kid: 'enc' }),
      ],
    };
    expect(await rowsOf({ kind: 'jwks', url: issuer.url, ...claims })).toEqual([
      ['authentication', 'JWKS_URL', 'ok'],
      ['keys of JWKS_URL', '2 RSA, 1 P-256', 'ok'],
      ['key weak', 'not used: it is RSA of 1024 bits; 2048 to 16384 are accepted', 'warning'],
      ['key enc', 'not used: it is not for signatures by its use', 'warning'],
      ['JWT_ISSUER', 'https://id.test', 'ok'],
      ['JWT_AUDIENCE', 'ted', 'ok'],
    ]);
  });

  it('warns of an identity provider that is away', async () => {
    expect(await rowsOf({ kind: 'jwks', url: 'http://127.0.0.1:9/keys', ...claims })).toContainEqual([
      'keys of JWKS_URL',
      'none: it does not answer',
      'warning',
    ]);
  });

  it('tells the jwks_uri of a discovery document', async () => {
    const issuer = await startIssuer();
    issuer.document = { issuer: 'https://id.test', jwks_uri: 'https://id.test/certs' };
    expect(await checkIdentityProvider({ kind: 'jwks', url: issuer.url, ...claims })).toContainEqual({
      part: 'identity provider',
      name: 'keys of JWKS_URL',
      value: 'none: it is an OpenID discovery document; set it to its jwks_uri',
      verdict: 'warning',
      advice: 'Set JWKS_URL to https://id.test/certs; until then requests with a token are answered 503.',
    });
  });
});
