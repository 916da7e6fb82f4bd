import { removeLeftoverTestFolders } from '@ticketing/testkit';
import type { CheckResults } from './run-checks.ts';
import { runVitest } from './run-vitest.ts';

/** Runs vitest and tells what came of it, and of the checks before it; the last line is for CI to read. */
export async function runTests(
  args: readonly string[],
  checks: CheckResults = { passed: [], failed: [] },
): Promise<number> {
  const tests = await runVitest(args);
  await removeLeftoverTestFolders();
  const failed = [...checks.failed, ...tests.failed];
  for (const name of failed) process.stdout.write(`failed: ${name}\n`);
  const counts = [`${checks.passed.length + tests.passed} passed`, `${failed.length} failed`];
  if (tests.skipped > 0) counts.push(`${tests.skipped} skipped`);
  process.stdout.write(`${counts.join(', ')}\n`);
  return failed.length === 0 ? 0 : 1;
}
