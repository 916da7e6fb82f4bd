import { runTests } from '../checks/run-tests.ts';

/** `npm run test:infra`: the tests of the deployment and of slow commands, `*.infra.test.ts`; arguments go to vitest. */
export async function run(args: readonly string[]): Promise<number> {
  // One file after the other: several of them measure, and all of them start servers and services.
  return runTests(['--project=infra', '--no-file-parallelism', ...args]);
}
