/** `Cache-Control` of bookings: private, and changing by the second. */
export const neverKept = 'no-store';

/** `Cache-Control` of lists, counts and maps, which may be a second old. */
export const keptForASecond = 'max-age=1';

/**
 * Whether an `If-None-Match` names this tag. The comparison is weak (RFC 9110, 8.8.3.2): `W/"a"` and `"a"`
 * are the same, as they must be for a header that only asks whether to send a body.
 *
 * @param header a list of tags, or `*` for any
 */
export function matchesEntityTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  const tags: readonly string[] = header.match(/"[\x21\x23-\x7e\x80-\xff]*"/g) ?? [];
  return tags.includes(etag.replace(/^W\//, ''));
}
