import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord, jsonRecord, neutralEnvironment, repositoryRoot } from '@ticketing/testkit';

export interface TestResults {
  readonly passed: number;
  readonly skipped: number;
  /** The full names of tests, and the files that could not be run. */
  readonly failed: readonly string[];
}

/** Runs vitest with its usual output, and counts by the report that it writes beside. */
export async function runVitest(args: readonly string[]): Promise<TestResults> {
  await mkdir(join(repositoryRoot, '.data'), { recursive: true });
  const report = join(repositoryRoot, '.data', `test-report-${process.pid}.json`);
  const shown = args.some((arg) => arg.startsWith('--reporter=')) ? [] : ['--reporter=default'];
  const program = join(repositoryRoot, 'node_modules/vitest/vitest.mjs');
  const flags = ['run', ...shown, '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(process.execPath, [program, ...flags, ...args], {
    cwd: repositoryRoot,
    env: neutralEnvironment(),
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to vitest, too; a signal for this process alone is forwarded. The results count either way.
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, forward);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  for (const signal of signals) process.removeListener(signal, forward);
  const results = existsSync(report) ? readReport(await readFile(report, 'utf8')) : undefined;
  await rm(report, { force: true });
  if (results === undefined)
    return { passed: 0, skipped: 0, failed: [`vitest wrote no report (exit code ${code})`] };
  // An error outside of any test, or servers that did not start or stop.
  const hasHiddenFailure = code !== 0 && results.failed.length === 0;
  return hasHiddenFailure ? { ...results, failed: [`vitest (exit code ${code})`] } : results;
}

function readReport(text: string): TestResults {
  let passed = 0;
  let skipped = 0;
  const failed: string[] = [];
  for (const file of recordsIn(jsonRecord(text)?.['testResults'])) {
    const tests = recordsIn(file['assertionResults']);
    const failures = tests.filter(({ status }) => status === 'failed');
    passed += tests.filter(({ status }) => status === 'passed').length;
    failed.push(...failures.map(({ fullName }) => String(fullName)));
    // A file that threw while it was loaded, or whose hook failed, has no failed test.
    if (file['status'] === 'failed' && failures.length === 0) failed.push(String(file['name']));
    skipped += tests.filter(({ status }) => status !== 'passed' && status !== 'failed').length;
  }
  return { passed, skipped, failed };
}

function recordsIn(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
