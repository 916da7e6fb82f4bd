import type { FastifyJWTOptions, JwtHeader } from '@fastify/jwt';
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { AuthenticationSettings } from './authentication-settings.ts';
import { createRemoteKeys } from './remote-keys.ts';

/** Clocks of issuers may be a little ahead or behind. */
const clockToleranceMs = 5_000;

const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const;
const publicKeyAlgorithms = [...rsaAlgorithms, 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;

/**
 * How tokens are checked. The algorithms are ours, never the token's: with a secret only HS256, with public
 * keys only what such keys can sign, so that nobody signs with a public key as if it were a secret.
 */
export function tokenOptions(
  settings: Exclude<AuthenticationSettings, { kind: 'off' }>,
  logger: Logger,
): FastifyJWTOptions {
  const { issuer, audience } = settings;
  const verify = {
    algorithms: [...(settings.kind === 'secret' ? (['HS256'] as const) : publicKeyAlgorithms)],
    clockTolerance: clockToleranceMs,
    // A claim that is not there is not checked, so those that are checked have to be there.
    requiredClaims: [
      'sub',
      'exp',
      ...(issuer === undefined ? [] : ['iss']),
      ...(audience === undefined ? [] : ['aud']),
    ],
    ...(issuer === undefined ? {} : { allowedIss: issuer }),
    ...(audience === undefined ? {} : { allowedAud: audience }),
  };
  if (settings.kind === 'secret') return { secret: Buffer.from(settings.secret), verify };

  const findKey = createRemoteKeys(settings.url, logger);
  return {
    // With `complete` a token comes whole; its header says which key, and is believed in nothing else.
    secret: async (_request: FastifyRequest, token: JwtHeader | { readonly header: JwtHeader }) => {
      const { alg, kid } = 'header' in token ? (token.header as JwtHeader) : token;
      if (!isPublicKeyAlgorithm(alg)) throw new Error('the token names an algorithm that is not ours');
      return findKey({ alg, ...(kid === undefined ? {} : { kid }) });
    },
    decode: { complete: true },
    verify,
  };
}

function isPublicKeyAlgorithm(name: string): boolean {
  return publicKeyAlgorithms.some((algorithm) => algorithm === name);
}
