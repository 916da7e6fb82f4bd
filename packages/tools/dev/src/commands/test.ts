import { runChecks } from '../checks/run-checks.ts';
import { runTests } from '../checks/run-tests.ts';

/** `npm test`: the checks, then every test but those of the deployment; arguments go to vitest. */
export async function run(args: readonly string[]): Promise<number> {
  return runTests(['--project=!infra', ...args], await runChecks());
}
