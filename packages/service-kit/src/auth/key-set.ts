import { createPublicKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';

/** The usable keys behind JWKS_URL, and the others. */
export interface KeySet {
  /** Public keys that verify signatures, each one once. */
  readonly keys: readonly JWK[];
  readonly refused: readonly RefusedKey[];
}

export interface RefusedKey {
  readonly kid: string;
  /** Follows "the key": `is RSA of 1024 bits; …`. */
  readonly reason: string;
}

/** JWKS_URL gave no usable key. */
export class KeySetError extends Error {
  override readonly name = 'KeySetError';
  /** For an OpenID discovery document: where its keys are. */
  readonly jwksUri: string | undefined;
  readonly refused: readonly RefusedKey[];

  /** @param message follows "JWKS_URL"; it holds no address */
  constructor(
    message: string,
    {
      jwksUri,
      refused = [],
      ...options
    }: ErrorOptions & Partial<Pick<KeySetError, 'jwksUri' | 'refused'>> = {},
  ) {
    super(message, options);
    this.jwksUri = jwksUri;
    this.refused = refused;
  }
}

const timeoutMs = 1_500;
const maxBytes = 512 * 1024;
const maxKeys = 100;
const rsaBits = { least: 2_048, most: 16_384 };

const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const;
/** By the curve of the key. */
const curveAlgorithms: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
};

export const publicKeyAlgorithms: readonly string[] = [...rsaAlgorithms, ...Object.values(curveAlgorithms)];

/**
 * Reads the keys behind JWKS_URL, within 1.5 s and 512 KiB. Redirects are not followed.
 *
 * @throws KeySetError when there is no usable key
 */
export async function fetchKeySet(url: string): Promise<KeySet> {
  return parseKeySet(await fetchText(url));
}

async function fetchText(url: string): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const headers = { accept: 'application/json, application/jwk-set+json' };
    const response = await fetch(url, { redirect: 'manual', signal, headers });
    if (response.status !== 200) {
      void response.body?.cancel();
      const isRedirect = response.status >= 300 && response.status < 400;
      throw new KeySetError(
        `answers ${response.status}${isRedirect ? '; redirects are not followed, set it to their end' : ''}`,
      );
    }
    const decoder = new TextDecoder();
    let [text, bytes] = ['', 0];
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw new KeySetError(`answers more than ${maxBytes / 1024} KiB`);
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (cause) {
    if (cause instanceof KeySetError) throw cause;
    throw new KeySetError(signal.aborted ? `does not answer within ${timeoutMs} ms` : 'does not answer', {
      cause,
    });
  }
}

function parseKeySet(text: string): KeySet {
  const { keys: listed, jwks_uri: jwksUri } = parseObject(text);
  if (!Array.isArray(listed) && typeof jwksUri === 'string') {
    throw new KeySetError('is an OpenID discovery document; set it to its jwks_uri', {
      jwksUri: clean(jwksUri),
    });
  }
  if (!Array.isArray(listed)) throw new KeySetError('answers JSON without a list of keys');

  const keys = new Map<string, JWK>();
  const refused: RefusedKey[] = [];
  for (const entry of listed as readonly unknown[]) {
    const jwk = (typeof entry === 'object' && entry !== null ? entry : {}) as Readonly<
      Record<string, unknown>
    >;
    const reason = keys.size < maxKeys ? reasonAgainst(jwk) : `comes after ${maxKeys} others`;
    const kid = typeof jwk['kid'] === 'string' ? jwk['kid'] : undefined;
    if (reason !== undefined) refused.push({ kid: clean(kid ?? 'without a kid'), reason });
    else {
      const key = publicPartOf(jwk, kid);
      keys.set(JSON.stringify(key), key);
    }
  }
  if (keys.size === 0) {
    const first = refused[0] === undefined ? '' : `: the first ${refused[0].reason}`;
    throw new KeySetError(`has no usable key${first}`, { refused });
  }
  return { keys: [...keys.values()], refused };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === 'object' && document !== null) return document as Record<string, unknown>;
  } catch {
    throw new KeySetError('answers no JSON');
  }
  throw new KeySetError('answers JSON without a list of keys');
}

/** Why a key of the set must not verify tokens; undefined when it may. */
function reasonAgainst(jwk: Readonly<Record<string, unknown>>): string | undefined {
  const { kty, crv, alg, use, key_ops: operations } = jwk;
  if (kty === undefined) return 'has no kind';
  if (kty === 'oct') return 'is a secret, which must not be published';
  if (['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].some((name) => Object.hasOwn(jwk, name)))
    return 'is a private key, which must not be published';
  const fitting: readonly string[] =
    kty === 'RSA' ? rsaAlgorithms : [curveAlgorithms[clean(crv)] ?? ''].filter((name) => name !== '');
  if ((kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') || fitting.length === 0)
    return `is of the kind ${[kty, crv]
      .filter((part) => part !== undefined)
      .map(clean)
      .join(' ')}`;
  if (use !== undefined && use !== 'sig') return 'is not for signatures by its use';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return 'is not for signatures by its key_ops';
  if (alg !== undefined && !fitting.includes(clean(alg))) return `has the algorithm ${clean(alg)}`;
  return reasonAgainstMaterial(jwk);
}

function reasonAgainstMaterial(jwk: Readonly<Record<string, unknown>>): string | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: publicPartOf(jwk), format: 'jwk' });
  } catch {
    return 'cannot be read';
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined || (bits >= rsaBits.least && bits <= rsaBits.most)) return undefined;
  return `is RSA of ${bits} bits; ${rsaBits.least} to ${rsaBits.most} are accepted`;
}

/** Members in one order: two entries with the same text are one key. */
function publicPartOf(jwk: Readonly<Record<string, unknown>>, kid?: string): JWK {
  const { kty, alg, crv, x, y, n, e } = jwk;
  return JSON.parse(JSON.stringify({ kty, kid, alg, crv, x, y, n, e })) as JWK;
}

/** A foreign value for the log: a short text in one line, an address without its credentials; of others the type. */
function clean(text: unknown): string {
  if (typeof text !== 'string') return `a value of type ${typeof text}`;
  const line = text
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, 200)
    .trim();
  return line.replace(/\/\/[^/]*@/, '//');
}
