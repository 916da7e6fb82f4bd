import { Type } from '@sinclair/typebox';

/** The environment variables of services that ask callers who they are; spread into the schema of each. */
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
};
