import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { namedPlugin } from '../http/http-service.ts';
import { endAddressCount } from '../limits/rate-limits.ts';
import { HttpError } from '../problems/http-error.ts';
import { hasRole, roles, type Caller } from './caller.ts';
import type { TokenVerifier } from './token-verifier.ts';

const anonymous: Caller = { userId: null, roles: new Set() };
/** While authentication is off, every request has every role. */
const unauthenticated: Caller = { userId: null, roles: new Set(roles) };

/**
 * Authenticates every request by its bearer token, before its body is read. A route without `config.access` is for users
 * with a valid token. While authentication is off every request is allowed everything, and a warning says so.
 */
export const authentication = namedPlugin<{
  /** Null while authentication is off. */
  readonly tokens: TokenVerifier | null;
  readonly logger: Logger;
}>(
  // Behind the address limit: the number of tokens that an address can try is bounded.
  { name: 'authentication', after: ['request-context', 'address-limit'] },
  (app, { tokens, logger }) => {
    app.decorateRequest('caller', null as unknown as Caller);
    if (tokens === null) {
      logger.warn('authentication is off: user ids are believed as sent, and every request has every role');
    } else {
      app.addHook('onClose', () => tokens.close());
    }

    app.addHook('onRequest', async (request, reply) => {
      const { access } = request.routeOptions.config;
      let caller: Caller | null = unauthenticated;
      if (tokens !== null)
        caller = access === 'public' || request.is404 ? anonymous : await authenticate(tokens, request);
      endAddressCount(request, reply, caller);
      if (caller === null) {
        // RFC 6750, 3.1: the answer to a request without a token names no error.
        const isMissing = request.headers.authorization === undefined;
        reply.header('www-authenticate', isMissing ? 'Bearer' : 'Bearer error="invalid_token"');
        throw new HttpError('UNAUTHENTICATED');
      }
      request.caller = caller;
      if (access === undefined || access === 'public' || hasRole(caller, access)) return;
      throw new HttpError('FORBIDDEN');
    });
  },
);

/** @returns null when the request has no valid token */
async function authenticate(tokens: TokenVerifier, request: FastifyRequest): Promise<Caller | null> {
  const { authorization } = request.headers;
  if (authorization === undefined) return null;
  try {
    return await tokens.verify(authorization);
  } catch (err) {
    if (err instanceof HttpError) throw err;
    request.log.debug({ err }, 'token refused');
    return null;
  }
}
