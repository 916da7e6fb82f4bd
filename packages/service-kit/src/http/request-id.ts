import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Keeps an `x-request-id` of 1–128 visible ASCII characters, otherwise makes one; stable per request. */
export function requestIdOf(request: IncomingMessage): string {
  const sent = request.headers['x-request-id'];
  if (typeof sent === 'string' && /^[\x21-\x7e]{1,128}$/.test(sent)) return sent;
  const made = newRequestId();
  // Remembered where it would have come from, so that a second look finds the same.
  request.headers['x-request-id'] = made;
  return made;
}

/** A UUID of version 7 (RFC 9562): Node draws the chance of many at once, which the library does for each. */
export function newRequestId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
