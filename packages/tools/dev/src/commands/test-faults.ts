import { runTests } from '../checks/run-tests.ts';

/** Tests that do more with TEST_FAULTS=long. */
const files = [
  'packages/tools/chaos/test/',
  'packages/seat-core/test/bookings/transitions.race.test.ts',
  'apps/booking-api/test/live/live-sale.e2e.test.ts',
  'apps/booking-api/test/live/redis-flapping.e2e.test.ts',
];

/** `npm run test:faults`: the long fault runs, one line for each test; arguments go to vitest in place of the files. */
export async function run(args: readonly string[]): Promise<number> {
  process.env['TEST_FAULTS'] = 'long';
  process.env['RACES'] ??= '10000';
  // One file after the other: each has a whole engine to itself and measures delays.
  return runTests(['--no-file-parallelism', '--reporter=verbose', ...(args.length === 0 ? files : args)]);
}
