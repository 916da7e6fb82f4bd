import { runChecks } from '../checks/run-checks.ts';

/** `npm run verify`: what can be said of the sources without any server, in seconds. */
export async function run(): Promise<number> {
  const { passed, failed } = await runChecks();
  for (const name of failed) process.stdout.write(`failed: ${name}\n`);
  process.stdout.write(`${passed.length} passed, ${failed.length} failed\n`);
  return failed.length === 0 ? 0 : 1;
}
