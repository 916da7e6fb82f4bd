import { runChecks } from '../checks/run-checks.ts';
import { runVitest } from '../checks/run-vitest.ts';
import { removeLeftoverTestFolders } from '../fixtures/test-folder.ts';

/** `npm test`: the checks, then every test; arguments go to vitest. The last line is for CI to read. */
export async function run(args: readonly string[]): Promise<number> {
  const checks = await runChecks();
  const tests = await runVitest(args);
  await removeLeftoverTestFolders();
  const failed = [...checks.failed, ...tests.failed];
  for (const name of failed) process.stdout.write(`failed: ${name}\n`);
  const counts = [`${checks.passed.length + tests.passed} passed`, `${failed.length} failed`];
  if (tests.skipped > 0) counts.push(`${tests.skipped} skipped`);
  process.stdout.write(`${counts.join(', ')}\n`);
  return failed.length === 0 ? 0 : 1;
}
