import type { AuthenticationSettings } from './authentication-settings.ts';
import { fetchKeySet, KeySetError, type RefusedKey } from './key-set.ts';

/** The form of seat-core's `InstallationCheck`, of which service-kit imports nothing. */
export interface IdentityProviderCheck {
  readonly part: 'identity provider';
  /** What was asked for. */
  readonly name: string;
  /** The answer; never a secret. */
  readonly value: string;
  /** Never `refused`: an identity provider that is away must not stop a start. */
  readonly verdict: 'ok' | 'warning';
  /** A sentence that says what to do; empty when the verdict is `ok`. */
  readonly advice: string;
}

/**
 * Asks what authentication an installation has: how it is configured, and which keys JWKS_URL gives. Takes 1.5 s at most.
 *
 * @example
 * const checks = await checkIdentityProvider(readAuthenticationSettings(config));
 */
export async function checkIdentityProvider(
  settings: AuthenticationSettings,
): Promise<readonly IdentityProviderCheck[]> {
  if (settings.kind === 'off') {
    return [
      warning(
        'authentication',
        'off',
        'Set JWT_SECRET or JWKS_URL: every user id is believed as it is sent.',
      ),
    ];
  }
  const claims = checkClaims(settings);
  if (settings.kind === 'secret') return [ok('authentication', 'JWT_SECRET (HS256)'), ...claims];
  return [ok('authentication', 'JWKS_URL'), ...(await checkKeys(settings.url)), ...claims];
}

async function checkKeys(url: string): Promise<readonly IdentityProviderCheck[]> {
  try {
    const { keys, refused } = await fetchKeySet(url);
    const kinds = keys.map(({ kty, crv, alg }) => alg ?? crv ?? kty ?? '');
    const counts = [...new Set(kinds)].map(
      (kind) => `${kinds.filter((other) => other === kind).length} ${kind}`,
    );
    return [ok('keys of JWKS_URL', counts.join(', ')), ...refused.map(checkRefused)];
  } catch (error) {
    if (!(error instanceof KeySetError)) throw error;
    const { message, jwksUri, refused } = error;
    const advice =
      jwksUri === undefined
        ? 'Requests with a token are answered 503 until it gives usable keys: check the address, the network and the identity provider.'
        : `Set JWKS_URL to ${jwksUri}; until then requests with a token are answered 503.`;
    return [warning('keys of JWKS_URL', `none: it ${message}`, advice), ...refused.map(checkRefused)];
  }
}

function checkRefused({ kid, reason }: RefusedKey): IdentityProviderCheck {
  return warning(
    `key ${kid}`,
    `not used: it ${reason}`,
    'Tokens signed with it are refused; if it signs access tokens, let the identity provider publish a key of another kind.',
  );
}

/** Without them a token that the same provider issued for another application is accepted. */
function checkClaims({ issuer, audience }: Exclude<AuthenticationSettings, { kind: 'off' }>) {
  return [
    issuer === undefined
      ? warning(
          'JWT_ISSUER',
          'not set',
          'Set it to the iss of your tokens: those of any issuer are accepted.',
        )
      : ok('JWT_ISSUER', issuer),
    audience === undefined
      ? warning(
          'JWT_AUDIENCE',
          'not set',
          'Set it to the aud of your tokens: those for any application are accepted.',
        )
      : ok('JWT_AUDIENCE', audience),
  ];
}

function ok(name: string, value: string): IdentityProviderCheck {
  return { part: 'identity provider', name, value, verdict: 'ok', advice: '' };
}

function warning(name: string, value: string, advice: string): IdentityProviderCheck {
  return { part: 'identity provider', name, value, verdict: 'warning', advice };
}
