import { fastifyJwt, type FastifyJWTOptions, type JwtHeader } from '@fastify/jwt';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { namedPlugin } from '../http/http-service.ts';
import { HttpError } from '../problems/http-error.ts';
import type { AuthenticationSettings } from './authentication-settings.ts';
import { hasRole, roles, type Caller } from './caller.ts';
import { createRemoteKeys } from './remote-keys.ts';

const anonymous: Caller = { userId: null, roles: new Set() };
/** While authentication is off, every request has every role. */
const unauthenticated: Caller = { userId: null, roles: new Set(roles) };

/**
 * Authenticates every request by its bearer token, before its body is read. A route without `config.access` is for users
 * with a valid token. While authentication is off every request is allowed everything, and a warning says so.
 */
export const authentication = namedPlugin<{
  readonly settings: AuthenticationSettings;
  readonly logger: Logger;
}>(
  // Behind the address limit: the number of tokens that an address can try is bounded.
  { name: 'authentication', after: ['request-context', 'address-limit'] },
  (app, { settings, logger }) => {
    const isOff = settings.kind === 'off';
    app.decorateRequest('caller', null as unknown as Caller);
    if (isOff) {
      logger.warn('authentication is off: user ids are believed as sent, and every request has every role');
    } else {
      app.register(fastifyJwt, tokenOptions(settings, logger));
    }

    app.addHook('onRequest', async (request, reply) => {
      const { access } = request.routeOptions.config;
      if (isOff) request.caller = unauthenticated;
      else if (access === 'public' || request.is404) request.caller = anonymous;
      else request.caller = await authenticate(request, reply);
      if (access === undefined || access === 'public' || hasRole(request.caller, access)) return;
      throw new HttpError('FORBIDDEN');
    });
  },
);

async function authenticate(request: FastifyRequest, reply: FastifyReply): Promise<Caller> {
  try {
    return toCaller(await request.jwtVerify<TokenClaims>());
  } catch (err) {
    if (err instanceof HttpError) throw err;
    const isMissing = request.headers.authorization === undefined;
    // RFC 6750, 3.1: the answer to a request without a token names no error.
    reply.header('www-authenticate', isMissing ? 'Bearer' : 'Bearer error="invalid_token"');
    if (!isMissing) request.log.debug({ err }, 'token refused');
    throw new HttpError('UNAUTHENTICATED');
  }
}

interface TokenClaims {
  readonly sub?: unknown;
  readonly roles?: unknown;
}

/** @throws Error when the subject is no valid user id */
function toCaller({ sub, roles: claimed }: TokenClaims): Caller {
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(sub)) throw new Error('sub is no user id');
  const granted = Array.isArray(claimed) ? roles.filter((role) => claimed.includes(role)) : [];
  return { userId: sub, roles: new Set(granted) };
}

/** The clocks of issuers may be a little ahead or behind. */
const clockToleranceMs = 5_000;

const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const;
const publicKeyAlgorithms = [...rsaAlgorithms, 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;

/**
 * The algorithms are configured, never taken from the token: HS256 with a secret, with public keys only algorithms of
 * public keys. A token signed with a public key as if it were a secret is refused.
 */
function tokenOptions(
  settings: Exclude<AuthenticationSettings, { kind: 'off' }>,
  logger: Logger,
): FastifyJWTOptions {
  const { issuer, audience } = settings;
  const verify = {
    algorithms: [...(settings.kind === 'secret' ? (['HS256'] as const) : publicKeyAlgorithms)],
    clockTolerance: clockToleranceMs,
    // A missing claim is not checked, so the claims that are checked are required.
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
    // With `complete` a token comes whole; its header names the key, and nothing else of it is believed.
    secret: async (_request: FastifyRequest, token: JwtHeader | { readonly header: JwtHeader }) => {
      const { alg, kid } = 'header' in token ? (token.header as JwtHeader) : token;
      if (!publicKeyAlgorithms.some((name) => name === alg))
        throw new Error('algorithm of the token not allowed');
      return findKey({ alg, ...(kid === undefined ? {} : { kid }) });
    },
    decode: { complete: true },
    verify,
  };
}
