import { runChecks } from '../checks/run-checks.ts';
import { report } from '../checks/run-tests.ts';

/** `npm run verify`: checks the sources, without any server, in seconds. */
export async function run(): Promise<number> {
  const { passed, failed } = await runChecks();
  return report(failed, passed.length);
}
