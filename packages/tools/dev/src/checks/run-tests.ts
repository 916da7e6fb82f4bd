import { removeLeftoverTestFolders } from '@ticketing/testkit';
import type { CheckResults } from './run-checks.ts';
import { runVitest } from './run-vitest.ts';

/** Runs vitest and reports the results, with those of the checks before it. @returns the exit code */
export async function runTests(args: readonly string[], checks?: CheckResults): Promise<number> {
  const tests = await runVitest(args);
  await removeLeftoverTestFolders();
  const passed = (checks?.passed.length ?? 0) + tests.passed;
  return report([...(checks?.failed ?? []), ...tests.failed], passed, tests.skipped);
}

/** Prints each failure, and last the line that CI reads. @returns the exit code */
export function report(failed: readonly string[], passed: number, skipped = 0): number {
  for (const name of failed) process.stdout.write(`failed: ${name}\n`);
  const counts = `${passed} passed, ${failed.length} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
  process.stdout.write(`${counts}\n`);
  return failed.length === 0 ? 0 : 1;
}
