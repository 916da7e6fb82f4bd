/** `Cache-Control` of what is one client's own and changes by the second. */
export const neverKept = 'no-store';

/** `Cache-Control` of lists, counts and maps, which may be a second old. */
export const keptForASecond = 'max-age=1';
