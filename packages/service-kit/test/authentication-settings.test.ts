import { Type } from '@sinclair/typebox';
import { describe, expect, it } from 'vitest';
import { readAuthenticationSettings } from '../src/auth/authentication-settings.ts';
import { authenticationVariables, readConfig } from '../src/index.ts';

const schema = Type.Object(authenticationVariables);
const read = (env: Record<string, string>) => readAuthenticationSettings(readConfig(schema, env));
const JWT_SECRET = 'x'.repeat(32);
const JWKS_URL = 'https://id.test/keys';

describe('authentication is', () => {
  it('off while neither a secret nor a URL of keys is set', () => {
    expect(read({})).toEqual({ kind: 'off' });
    expect(read({ JWT_SECRET: '', JWKS_URL: '', NODE_ENV: 'test' })).toEqual({ kind: 'off' });
  });

  it('on with a secret, or with a URL of keys, and the claims that tokens must have', () => {
    const claims = { issuer: 'https://id.test', audience: 'ted' };
    const env = { JWT_ISSUER: claims.issuer, JWT_AUDIENCE: claims.audience, NODE_ENV: 'production' };
    expect(read({ ...env, JWT_SECRET })).toEqual({ kind: 'secret', secret: JWT_SECRET, ...claims });
    expect(read({ ...env, JWKS_URL })).toEqual({ kind: 'jwks', url: JWKS_URL, ...claims });
  });
});

describe('a start is refused', () => {
  it('with a secret and a URL of keys at once', () => {
    expect(() => read({ JWT_SECRET, JWKS_URL })).toThrow('JWT_SECRET and JWKS_URL exclude each other');
  });

  it('in production with neither', () => {
    expect(() => read({ NODE_ENV: 'production' })).toThrow(
      'NODE_ENV=production needs authentication; set JWT_SECRET or JWKS_URL',
    );
  });

  it.each([
    ['JWT_SECRET', 'x'.repeat(31), 'text of at least 32 characters'],
    ['JWKS_URL', 'file:///etc/passwd', 'an http:// or https:// URL'],
    ['JWKS_URL', 'id.test/keys', 'an http:// or https:// URL'],
  ])('with %s=%s', (name, value, expected) => {
    expect(() => read({ [name]: value })).toThrow(`${name} must be ${expected}`);
  });
});
