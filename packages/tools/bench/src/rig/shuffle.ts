/** In an order that looks random and is the same in every run: xorshift32 drives Fisher and Yates' shuffle. */
export function shuffle<T>(items: readonly T[]): T[] {
  const shuffled = [...items];
  let state = 0x9e3779b9;
  for (let index = shuffled.length - 1; index > 0; index--) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const other = (state >>> 0) % (index + 1);
    [shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!];
  }
  return shuffled;
}
