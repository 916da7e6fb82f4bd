import { repositoryRoot, serviceVariables } from '@ticketing/testkit';
import { createVitest, parseCLI } from 'vitest/node';

export interface TestResults {
  readonly passed: number;
  readonly skipped: number;
  /** The full names of tests, and the files that could not be run. */
  readonly failed: readonly string[];
}

/** Runs vitest in this process, with the arguments of its command line, and counts. */
export async function runVitest(args: readonly string[]): Promise<TestResults> {
  process.chdir(repositoryRoot);
  for (const name of serviceVariables()) delete process.env[name];
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const vitest = await createVitest('test', options);
  // The tests that have run by then count.
  const cancel = (): void => void vitest.cancelCurrentRun('keyboard-input');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, cancel);
  const failed: string[] = [];
  // Servers that did not start, or no test file.
  await vitest.start(filter).catch((error: unknown) => failed.push(String(error)));
  await vitest.close();
  const modules = vitest.state.getTestModules();
  const tests = modules.flatMap(({ children }) => [...children.allTests()]);
  const stateOf = (test: (typeof tests)[number]) => test.result().state;
  failed.push(...tests.filter((test) => stateOf(test) === 'failed').map(({ fullName }) => fullName));
  for (const module of modules) {
    // A file that threw while it was loaded, or whose hook failed, has no failed test.
    const hasFailedTest = [...module.children.allTests('failed')].length > 0;
    if (module.state() === 'failed' && !hasFailedTest) failed.push(module.moduleId);
  }
  if (failed.length === 0 && vitest.state.getUnhandledErrors().length > 0)
    failed.push('vitest, by an error outside of any test');
  return {
    passed: tests.filter((test) => stateOf(test) === 'passed').length,
    skipped: tests.filter((test) => ['skipped', 'pending'].includes(stateOf(test))).length,
    failed,
  };
}
