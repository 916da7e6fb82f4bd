import type { Static, TObject } from '@sinclair/typebox';
import type { authenticationVariables } from './authentication-variables.ts';

/** How callers prove who they are. */
export type AuthenticationSettings =
  | { readonly kind: 'off' }
  | ({ readonly kind: 'secret'; readonly secret: string } & ClaimSettings)
  | ({ readonly kind: 'jwks'; readonly url: string } & ClaimSettings);

interface ClaimSettings {
  /** The `iss` that a token must have. */
  readonly issuer?: string | undefined;
  /** The `aud` that a token must have among its own. */
  readonly audience?: string | undefined;
}

type AuthenticationConfig = Readonly<Static<TObject<typeof authenticationVariables>>>;

/** @throws Error that says in one sentence why a service must not start like this */
export function readAuthenticationSettings(config: AuthenticationConfig): AuthenticationSettings {
  const { JWT_SECRET: secret, JWKS_URL: url } = config;
  const claims = { issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE };
  if (secret !== undefined && url !== undefined) {
    throw new Error('JWT_SECRET and JWKS_URL exclude each other; set the one that your tokens are signed by');
  }
  if (secret !== undefined) return { kind: 'secret', secret, ...claims };
  if (url !== undefined) return { kind: 'jwks', url, ...claims };
  if (config.NODE_ENV === 'production') {
    throw new Error('NODE_ENV=production needs authentication; set JWT_SECRET or JWKS_URL');
  }
  return { kind: 'off' };
}
