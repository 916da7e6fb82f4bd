/**
 * How much is done: by `npm test` a little of everything, so that it stays quick and nothing rots; by
 * `npm run test:faults`, which sets TEST_FAULTS, all of it.
 */
export const effort =
  process.env['TEST_FAULTS'] === 'long'
    ? {
        seeds: 20,
        seconds: 15,
        variantSeeds: 20,
        allVariants: true,
        stories: 40,
        commands: 40,
        timeoutMs: 900_000,
      }
    : {
        seeds: 2,
        seconds: 3,
        variantSeeds: 20,
        allVariants: false,
        stories: 3,
        commands: 30,
        timeoutMs: 300_000,
      };
