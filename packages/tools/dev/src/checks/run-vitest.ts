import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processIdentity } from '../../../../testkit/plain/process-identity.mjs';
import { contractVariables, isRecord, jsonRecord, repositoryRoot } from '@ticketing/testkit';

export interface TestResults {
  readonly passed: number;
  readonly skipped: number;
  /** Full names of the tests, and files that could not be run at all. */
  readonly failed: readonly string[];
}

/** Runs vitest with its usual output, and counts by the report that it writes beside. */
export async function runVitest(args: readonly string[]): Promise<TestResults> {
  await mkdir(join(repositoryRoot, '.data'), { recursive: true });
  const report = join(repositoryRoot, '.data', `test-report-${processIdentity(process.pid)}.json`);
  const steering = new Set<string>(contractVariables);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !steering.has(name)));
  const shown = args.some((arg) => arg.startsWith('--reporter=')) ? [] : ['--reporter=default'];
  const flags = ['run', ...shown, '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(
    process.execPath,
    [join(repositoryRoot, 'node_modules/vitest/vitest.mjs'), ...flags, ...args],
    {
      cwd: repositoryRoot,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  // A terminal's Ctrl-C reaches vitest by itself; a signal for us alone is handed on. Either way we count what it did.
  const handOn = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, handOn);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  for (const signal of signals) process.removeListener(signal, handOn);
  const results = existsSync(report) ? readReport(await readFile(report, 'utf8')) : undefined;
  await rm(report, { force: true });
  if (results === undefined)
    return { passed: 0, skipped: 0, failed: [`vitest wrote no report (exit code ${code})`] };
  // An error outside of any test, or servers that did not start or stop.
  if (code !== 0 && results.failed.length === 0)
    return { ...results, failed: [`vitest (exit code ${code})`] };
  return results;
}

function readReport(text: string): TestResults {
  const files = jsonRecord(text)?.['testResults'];
  let passed = 0;
  let skipped = 0;
  const failed: string[] = [];
  for (const file of Array.isArray(files) ? files.filter(isRecord) : []) {
    const tests = Array.isArray(file['assertionResults']) ? file['assertionResults'].filter(isRecord) : [];
    for (const test of tests) {
      if (test['status'] === 'passed') passed += 1;
      else if (test['status'] === 'failed') failed.push(String(test['fullName']));
      else skipped += 1;
    }
    // A file that threw while it was loaded, or whose hook failed, has no failed test to show for it.
    const hasFailedTest = tests.some((test) => test['status'] === 'failed');
    if (file['status'] === 'failed' && !hasFailedTest) failed.push(String(file['name']));
  }
  return { passed, skipped, failed };
}
