import { Type, type Static, type TObject } from '@sinclair/typebox';

/** The environment variables of authentication; spread into the schema of a service. */
export const authenticationVariables = {
  NODE_ENV: Type.String({
    description: '`production` refuses to start without authentication.',
    default: 'development',
  }),
  JWT_SECRET: Type.Optional(
    Type.String({
      description: 'Turns authentication on: the secret of tokens signed with HS256.',
      minLength: 32,
    }),
  ),
  JWKS_URL: Type.Optional(
    Type.String({
      description: 'Turns authentication on: where the public keys of the tokens are.',
      format: 'http-url',
    }),
  ),
  JWT_ISSUER: Type.Optional(
    Type.String({ description: 'The `iss` that tokens must have; without it any.', minLength: 1 }),
  ),
  JWT_AUDIENCE: Type.Optional(
    Type.String({ description: 'The `aud` that tokens must have; without it any.', minLength: 1 }),
  ),
  JWT_ROLES_CLAIM: Type.String({
    description:
      'The path of the claim that has the roles, such as `realm_access.roles`: a list, or a text split at blanks.',
    default: 'roles',
    minLength: 1,
  }),
};

/** How requests are authenticated. */
export type AuthenticationSettings =
  | { readonly kind: 'off' }
  | ({ readonly kind: 'secret'; readonly secret: string } & ClaimSettings)
  | ({ readonly kind: 'jwks'; readonly url: string } & ClaimSettings);

interface ClaimSettings {
  /** The `iss` that a token must have. */
  readonly issuer?: string | undefined;
  /** The `aud` that a token must have among its own. */
  readonly audience?: string | undefined;
  /** The path of the claim that has the roles; `roles` by default. */
  readonly rolesClaim?: string;
}

type AuthenticationConfig = Readonly<Static<TObject<typeof authenticationVariables>>>;

/** @throws Error whose one sentence says why the service must not start */
export function readAuthenticationSettings(config: AuthenticationConfig): AuthenticationSettings {
  const { JWT_SECRET: secret, JWKS_URL: url } = config;
  const claims = {
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    rolesClaim: config.JWT_ROLES_CLAIM,
  };
  if (secret !== undefined && url !== undefined) {
    throw new Error('JWT_SECRET and JWKS_URL exclude each other; set only the one that matches your tokens');
  }
  if (secret !== undefined) return { kind: 'secret', secret, ...claims };
  if (url !== undefined) return { kind: 'jwks', url, ...claims };
  if (config.NODE_ENV === 'production') {
    throw new Error('NODE_ENV=production needs authentication; set JWT_SECRET or JWKS_URL');
  }
  return { kind: 'off' };
}
