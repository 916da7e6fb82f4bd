import { webcrypto } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { DegradedDependency } from '../http/health.ts';
import { HttpError } from '../problems/http-error.ts';
import type { AuthenticationSettings } from './authentication-settings.ts';
import type { Caller } from './caller.ts';
import { publicKeyAlgorithms } from './key-set.ts';
import { RemoteKeys } from './remote-keys.ts';
import { createRolesReader } from './roles-claim.ts';
import { createRefusalCounter, type RefusalReason } from './token-refusals.ts';

export interface TokenVerifier {
  /**
   * @param authorization the header of a request
   * @returns the user and roles of its token
   * @throws HttpError DEPENDENCY_UNAVAILABLE when the keys that would verify it cannot be read
   * @throws Error when the token is not valid; the message says why and holds nothing of the token
   */
  readonly verify: (authorization: string) => Promise<Caller>;
  /** The identity provider, while no key could ever be read. Does no I/O. */
  readonly listDegradedDependencies: () => readonly DegradedDependency[];
  readonly close: () => void;
}

/** The clocks of issuers may be a little ahead or behind. */
const clockToleranceSeconds = 5;

/** A token that does not say which of several keys signed it is tried with this many. */
const maxKeysTried = 5;

/**
 * Verifies bearer tokens. The algorithms are configured, never taken from the token: HS256 with a secret, with public keys
 * only algorithms of public keys. A token signed with a public key as if it were a secret is refused.
 *
 * @returns null while authentication is off
 */
export function createTokenVerifier(
  settings: AuthenticationSettings,
  { logger, registry }: { readonly logger: Logger; readonly registry: Registry },
): TokenVerifier | null {
  if (settings.kind === 'off') return null;
  let keys: RemoteKeys | undefined;
  let verifyToken: VerifyToken;
  if (settings.kind === 'secret') verifyToken = secretVerifier(settings);
  else {
    keys = new RemoteKeys(settings.url, logger);
    verifyToken = keysVerifier(settings, keys);
  }
  const readRoles = createRolesReader(settings.rolesClaim ?? 'roles', logger);
  const countRefusal = createRefusalCounter({ logger, registry });

  return {
    async verify(authorization) {
      try {
        const claims = await verifyToken(tokenIn(authorization));
        return { userId: subjectOf(claims), roles: readRoles(claims) };
      } catch (err) {
        countRefusal(reasonOf(err), detailsOf(err, settings));
        throw err;
      }
    },
    listDegradedDependencies: () =>
      keys === undefined || keys.find !== undefined || keys.failure === undefined
        ? []
        : [
            {
              name: 'identity provider',
              status: 'down',
              detail: `No keys could be read: JWKS_URL ${keys.failure}. Requests with a token are answered 503.`,
            },
          ],
    close: () => keys?.close(),
  };
}

type VerifyToken = (token: string) => Promise<JWTPayload>;
type Settings = Exclude<AuthenticationSettings, { kind: 'off' }>;

function optionsOf({ issuer, audience }: Settings, algorithms: readonly string[]): JWTVerifyOptions {
  return {
    algorithms: [...algorithms],
    clockTolerance: clockToleranceSeconds,
    // A missing claim is not checked, so the claims that are checked are required.
    requiredClaims: ['sub', 'exp'],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
}

function secretVerifier(settings: Extract<Settings, { kind: 'secret' }>): VerifyToken {
  const options = optionsOf(settings, ['HS256']);
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  // Imported once: jose would import a buffer for each token.
  const key = webcrypto.subtle.importKey('raw', Buffer.from(settings.secret), algorithm, false, ['verify']);
  return async (token) => (await jwtVerify(token, await key, options)).payload;
}

function keysVerifier(settings: Settings, keys: RemoteKeys): VerifyToken {
  const options = optionsOf(settings, publicKeyAlgorithms);
  return async (token) => {
    for (let isRead = false; ;) {
      try {
        return await verifyWith(token, keys.find, options);
      } catch (cause) {
        if (!(cause instanceof errors.JWKSNoMatchingKey)) throw cause;
        if (!isRead && (await keys.readAgain())) isRead = true;
        else if (keys.failure === undefined) throw cause;
        // The key may be one that cannot be looked up at this moment.
        else throw new HttpError('DEPENDENCY_UNAVAILABLE', [], { cause });
      }
    }
  };
}

/** @throws JWKSNoMatchingKey when no key fits, also when the token names none and those that fit did not sign it */
async function verifyWith(
  token: string,
  find: RemoteKeys['find'],
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  if (find === undefined) throw new errors.JWKSNoMatchingKey();
  try {
    return await verifyByFitting(token, find, options);
  } catch (error) {
    const isWrong = error instanceof errors.JWSSignatureVerificationFailed;
    throw isWrong && decodeProtectedHeader(token).kid === undefined ? new errors.JWKSNoMatchingKey() : error;
  }
}

/** Several keys fit a token that names none, or an id that several keys have. */
async function verifyByFitting(
  token: string,
  find: NonNullable<RemoteKeys['find']>,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  let fitting: errors.JWKSMultipleMatchingKeys;
  try {
    return (await jwtVerify(token, find, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    fitting = error;
  }
  let tried = 0;
  for await (const key of fitting) {
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      tried += 1;
      if (!(error instanceof errors.JWSSignatureVerificationFailed) || tried === maxKeysTried) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

/** @throws Error when the header holds no bearer token */
function tokenIn(authorization: string): string {
  const token = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw new Error('no bearer token of three parts');
  return token;
}

class SubjectError extends Error {}

function subjectOf({ sub }: JWTPayload): string {
  // The type is what the standard says, not what was sent.
  const subject: unknown = sub;
  if (typeof subject === 'string' && /^[\x21-\x7e]{1,128}$/.test(subject)) return subject;
  throw new SubjectError('sub is no user id');
}

function reasonOf(error: unknown): RefusalReason {
  if (error instanceof HttpError) return 'keys_unavailable';
  if (error instanceof SubjectError) return 'subject';
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown_key';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm';
  if (!(error instanceof errors.JWTClaimValidationFailed)) return 'malformed';
  const { claim, reason } = error;
  if (reason === 'missing') return 'missing_claim';
  if (claim === 'iss') return 'issuer';
  if (claim === 'aud') return 'audience';
  return claim === 'nbf' && reason === 'check_failed' ? 'not_yet_valid' : 'claim_type';
}

/** What an operator compares. The signature was right, so the values are those of the identity provider. */
function detailsOf(error: unknown, { issuer, audience }: Settings): object {
  if (!(error instanceof errors.JWTClaimValidationFailed)) return {};
  const { claim, reason, payload } = error;
  if (reason === 'missing' || (claim !== 'iss' && claim !== 'aud')) return { claim };
  const found = JSON.stringify(payload[claim]).slice(0, 200);
  return { claim, expected: claim === 'iss' ? issuer : audience, found };
}
