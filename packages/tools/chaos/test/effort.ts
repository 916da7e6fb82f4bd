/**
 * How much is done: by `npm test` a little of everything, so that it stays quick and nothing rots; with
 * TEST_FAULTS=long all of it.
 */
export const effort =
  process.env['TEST_FAULTS'] === 'long'
    ? {
        isLong: true,
        seeds: 6,
        seconds: 10,
        variantSeeds: 20,
        kills: 3,
        stories: 10,
        commands: 40,
        timeoutMs: 900_000,
      }
    : {
        isLong: false,
        seeds: 2,
        seconds: 3,
        variantSeeds: 20,
        kills: 1,
        stories: 3,
        commands: 30,
        timeoutMs: 300_000,
      };
