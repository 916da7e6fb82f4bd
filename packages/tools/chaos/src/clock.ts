/**
 * Milliseconds since 1970 that never go back: one process records all histories with it, and to within a
 * few milliseconds it can be compared with PostgreSQL's clock, which is that of the same machine.
 */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
