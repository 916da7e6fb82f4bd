import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isRecord, jsonRecord, repositoryRoot } from '@ticketing/testkit';

export interface CheckResults {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
}

/** Every check that turbo.json names, in all packages; what a failing one says is shown, and the others still run. */
export async function runChecks(): Promise<CheckResults> {
  const tasks = ['build', ...(await checkNames())];
  process.stdout.write(`Checking: ${tasks.join(', ')}\n`);
  const flags = ['--continue=always', '--summarize', '--output-logs=errors-only', '--ui=stream'];
  const child = spawn('turbo', ['run', ...tasks, ...flags], {
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
    if (isAboutTask(line)) process.stdout.write(`${line}\n`);
  }
  const code = await ended;
  if (summaryFile === undefined) return { passed: [], failed: [`turbo (exit code ${code}, no summary)`] };
  const results = readSummary(await readFile(summaryFile, 'utf8'));
  await rm(summaryFile);
  return results;
}

async function checkNames(): Promise<string[]> {
  const { tasks } = jsonRecord(await readFile(join(repositoryRoot, 'turbo.json'), 'utf8')) ?? {};
  const names = Object.keys(isRecord(tasks) ? tasks : {}).map((name) => name.replace(/^.*#/, ''));
  return [...new Set(names)].filter((name) => name.startsWith('check:'));
}

/** turbo prefixes what a task says with its name; the rest is turbo's own bookkeeping. */
function isAboutTask(line: string): boolean {
  return /^(\/\/|@[^/\s]+\/[^:#\s]+)[:#]/.test(line);
}

function readSummary(text: string): CheckResults {
  const tasks = jsonRecord(text)?.['tasks'];
  const passed: string[] = [];
  const failed: string[] = [];
  for (const task of Array.isArray(tasks) ? tasks : []) {
    if (!isRecord(task)) continue;
    // No execution: a task that this one depends on has failed.
    const exitCode = isRecord(task['execution']) ? task['execution']['exitCode'] : undefined;
    (exitCode === 0 ? passed : failed).push(String(task['taskId']).replace('//#', ''));
  }
  return { passed, failed };
}
