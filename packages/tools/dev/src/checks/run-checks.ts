import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isRecord, jsonRecord, repositoryRoot } from '@ticketing/testkit';

export interface CheckResults {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
}

/** Runs the build and every check that turbo.json names, in all packages; a failing check shows its output, and the others still run. */
export async function runChecks(): Promise<CheckResults> {
  const { tasks } = jsonRecord(await readFile(join(repositoryRoot, 'turbo.json'), 'utf8')) ?? {};
  const names = Object.keys(isRecord(tasks) ? tasks : {}).map((name) => name.replace(/^.*#/, ''));
  const wanted = ['build', ...new Set(names.filter((name) => name.startsWith('check:')))];
  process.stdout.write(`Checking: ${wanted.join(', ')}\n`);
  const flags = ['--continue=always', '--summarize', '--output-logs=errors-only', '--ui=stream'];
  const child = spawn('turbo', ['run', ...wanted, ...flags], {
    cwd: repositoryRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let summaryFile: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    summaryFile ??= /^Summary:\s+(?<path>.+\.json)\s*$/.exec(line)?.groups?.['path'];
    // The output of a task begins with its name; the rest is turbo's own.
    if (/^(\/\/|@[^/\s]+\/[^:#\s]+)[:#]/.test(line)) process.stdout.write(`${line}\n`);
  }
  const code = await ended;
  if (summaryFile === undefined) return { passed: [], failed: [`turbo (exit code ${code}, no summary)`] };
  const summary = jsonRecord(await readFile(summaryFile, 'utf8'))?.['tasks'];
  await rm(summaryFile);
  const results = (Array.isArray(summary) ? summary : []).filter(isRecord).map((task) => ({
    name: String(task['taskId']).replace('//#', ''),
    // No execution: a task that this one depends on has failed.
    isGreen: isRecord(task['execution']) && task['execution']['exitCode'] === 0,
  }));
  const namesOf = (isGreen: boolean): string[] =>
    results.filter((result) => result.isGreen === isGreen).map(({ name }) => name);
  return { passed: namesOf(true), failed: namesOf(false) };
}
