import { replace } from './replacement.ts';
import type { Variant } from './variant.ts';

/** Mistakes about what PostgreSQL and Redis said. */
export const storeVariants: readonly Variant[] = [
  {
    name: 'lock-freed-by-others',
    mistake: 'a request deletes the locks of its seats, also those that another program holds by then',
    caughtBy: ['lock-of-another-stays'],
    replacements: [
      replace('redis/compare-and-delete', 'compareAndDelete', () => `return redis.call('del', unpack(KEYS))`),
    ],
    // A lock that Redis was slow to give or to refuse may belong to another program.
    profile: {
      neighbours: 6,
      hotSeats: 6,
      hotShare: 0.9,
      faults: ['freeze', 'freeze-redis', 'slow-redis'],
      faultEveryMs: [100, 400],
    },
    seconds: 4,
  },
  {
    name: 'unknown-as-no',
    mistake: 'a commit whose reply was lost is reported as one that did not happen',
    caughtBy: ['refused-had-no-effect'],
    replacements: [
      replace('postgres/error-mapping', 'toSeatCoreError', (map) => (thrown) => map(thrown, false)),
    ],
    profile: { thinkMs: 5, faults: ['deafen-postgres'], faultEveryMs: [300, 800] },
    seconds: 3,
  },
];
