/** How much longer things may take here than on a quiet machine: DEADLINE_FACTOR, 1 by hand, 3 in CI. */
export function deadlineFactor(): number {
  const text = process.env['DEADLINE_FACTOR'] ?? (process.env['CI'] === undefined ? '1' : '3');
  const factor = Number(text);
  if (!(factor >= 1 && factor <= 100))
    throw new Error(`DEADLINE_FACTOR must be a number from 1 to 100, not "${text}".`);
  return factor;
}
