const isLong = process.env['TEST_FAULTS'] === 'long';

/** `npm test` runs a little of everything; `npm run test:faults` sets TEST_FAULTS=long and runs all of it. */
export const effort = isLong
  ? { isLong, seeds: 6, seconds: 10, kills: 3, timeoutMs: 900_000 }
  : { isLong, seeds: 2, seconds: 3, kills: 1, timeoutMs: 300_000 };
