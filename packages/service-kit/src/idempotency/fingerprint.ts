import { createHash } from 'node:crypto';

/** All that a request asks for, whoever asks. */
export interface AskedFor {
  /** With its method: `POST /api/v1/booking`. */
  readonly route: string;
  readonly params: unknown;
  readonly body: unknown;
}

/**
 * SHA-256 over what is asked for. Requests that mean the same have one fingerprint: the order of members and the
 * case of ids do not count.
 */
export function fingerprintOf({ route, params, body }: AskedFor): Uint8Array {
  const text = JSON.stringify([route, canonical(params ?? {}), canonical(body ?? {})]);
  return createHash('sha256').update(text).digest();
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value === 'string') return uuid.test(value) ? value.toLowerCase() : value;
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, canonical(member)]));
}
