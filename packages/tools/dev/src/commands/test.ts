import { runChecks } from '../checks/run-checks.ts';
import { runTests } from '../checks/run-tests.ts';

/** `npm test`: the checks, then every test but those of the deployment; arguments go to vitest. */
export async function run(args: readonly string[]): Promise<number> {
  const checks = await runChecks();
  return runTests(['--project=!infra', ...args], checks);
}
