import type { IncomingMessage } from 'node:http';
import { v7 as uuidv7 } from 'uuid';

/** Keeps an `x-request-id` of 1–128 visible ASCII characters, otherwise makes one; stable per request. */
export function requestIdOf(request: IncomingMessage): string {
  const sent = request.headers['x-request-id'];
  if (typeof sent === 'string' && /^[\x21-\x7e]{1,128}$/.test(sent)) return sent;
  const made = uuidv7();
  // Remembered where it would have come from, so that a second look finds the same.
  request.headers['x-request-id'] = made;
  return made;
}
