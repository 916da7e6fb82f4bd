import { Type } from '@sinclair/typebox';
import { describe, expect, it } from 'vitest';
import { readAuthenticationSettings } from '../src/auth/authentication-settings.ts';
import { authenticationVariables, readConfig } from '../src/index.ts';

const schema = Type.Object(authenticationVariables);
const read = (env: Record<string, string>) => readAuthenticationSettings(readConfig(schema, env));
const JWT_SECRET = 'x'.repeat(32);
const JWKS_URL = 'https://id.test/keys';

describe('authentication settings', () => {
  it('authentication is off while neither JWT_SECRET nor JWKS_URL is set', () => {
    expect(read({})).toEqual({ kind: 'off' });
    expect(read({ JWT_SECRET: '', JWKS_URL: '', NODE_ENV: 'test' })).toEqual({ kind: 'off' });
  });

  it('authentication is on with JWT_SECRET or JWKS_URL, with the issuer and audience that tokens must have', () => {
    const claims = { issuer: 'https://id.test', audience: 'ted', rolesClaim: 'roles' };
    const env = { JWT_ISSUER: claims.issuer, JWT_AUDIENCE: claims.audience, NODE_ENV: 'production' };
    expect(read({ ...env, JWT_SECRET })).toEqual({ kind: 'secret', secret: JWT_SECRET, ...claims });
    expect(read({ ...env, JWKS_URL })).toEqual({ kind: 'jwks', url: JWKS_URL, ...claims });
  });
});

describe('a refused start', () => {
  it('JWT_SECRET and JWKS_URL at once refuse the start', () => {
    expect(() => read({ JWT_SECRET, JWKS_URL })).toThrow('JWT_SECRET and JWKS_URL exclude each other');
  });

  it('production without JWT_SECRET and JWKS_URL refuses the start', () => {
    expect(() => read({ NODE_ENV: 'production' })).toThrow(
      'NODE_ENV=production needs authentication; set JWT_SECRET or JWKS_URL',
    );
  });

  it.each([
    ['JWT_SECRET', 'x'.repeat(31), 'text of at least 32 characters'],
    ['JWKS_URL', 'file:///etc/passwd', 'an http:// or https:// URL'],
    ['JWKS_URL', 'id.test/keys', 'an http:// or https:// URL'],
  ])('%s=%s refuses the start', (name, value, expected) => {
    expect(() => read({ [name]: value })).toThrow(`${name} must be ${expected}`);
  });
});
