import { fastifyJwt } from '@fastify/jwt';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { SeatCoreError } from '@ticketing/seat-core/errors';
import { ServiceFault } from '../faults/service-fault.ts';
import type { HttpService } from '../http/http-service.ts';
import type { AuthenticationSettings } from './authentication-settings.ts';
import { hasRole, roles, type Caller, type Role } from './caller.ts';
import { tokenOptions } from './token-options.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route: everybody, or whoever has a role; by default every user. */
    access?: 'public' | Role;
  }
  interface FastifyRequest {
    /** Who sent it; known before the body is read. */
    caller: Caller;
  }
}

const anonymous: Caller = { userId: null, roles: new Set() };
/** While nobody has to prove anything, everything is granted. */
const anybody: Caller = { userId: null, roles: new Set(roles) };

/**
 * Asks every request who sent it, before its body is read: a route that says nothing about its `access` is for
 * users with a valid token. While authentication is off everybody may do everything, and a warning says so.
 */
export function addAuthentication(app: HttpService, settings: AuthenticationSettings, logger: Logger): void {
  const isOff = settings.kind === 'off';
  app.decorateRequest('caller', null as unknown as Caller);
  if (isOff) {
    logger.warn('authentication is off: user ids are believed as they are sent, and every role is granted');
  } else {
    app.register(fastifyJwt, tokenOptions(settings, logger));
  }

  app.addHook('onRequest', async (request, reply) => {
    const { access } = request.routeOptions.config;
    if (isOff) request.caller = anybody;
    else if (access === 'public' || request.is404) request.caller = anonymous;
    else request.caller = await authenticate(request, reply);
    if (access === undefined || access === 'public' || hasRole(request.caller, access)) return;
    throw new ServiceFault('FORBIDDEN');
  });
}

async function authenticate(request: FastifyRequest, reply: FastifyReply): Promise<Caller> {
  try {
    return toCaller(await request.jwtVerify<TokenClaims>());
  } catch (err) {
    if (err instanceof SeatCoreError) throw err;
    const isMissing = request.headers.authorization === undefined;
    // RFC 6750, 3.1: a request without a token hears no error.
    reply.header('www-authenticate', isMissing ? 'Bearer' : 'Bearer error="invalid_token"');
    if (!isMissing) request.log.debug({ err }, 'token refused');
    throw new ServiceFault('UNAUTHENTICATED');
  }
}

interface TokenClaims {
  readonly sub?: unknown;
  readonly roles?: unknown;
}

/** @throws Error when the user has no id that could own a booking */
function toCaller({ sub, roles: claimed }: TokenClaims): Caller {
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(sub)) throw new Error('sub is no user id');
  const granted = Array.isArray(claimed) ? roles.filter((role) => claimed.includes(role)) : [];
  return { userId: sub, roles: new Set(granted) };
}
