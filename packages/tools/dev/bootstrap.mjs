import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './bootstrap/prepare.mjs';

/*
 * The entry of every command at the root: node bootstrap.mjs <command> [arguments]. It needs nothing but Node and npm,
 * installs and builds what is missing or has changed, and then runs the command in this process.
 */

/** Each command, by its package. */
const commands = new Map([
  ['start', 'dev'],
  ['test', 'dev'],
  ['test-infra', 'dev'],
  ['test-faults', 'dev'],
  ['verify', 'dev'],
  ['migrate', 'dev'],
  ['ops', 'dev'],
  ['chaos', 'chaos'],
  ['bench', 'bench'],
  ['rehearse', 'infra'],
]);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const [command = '', ...args] = process.argv.slice(2);

/** @param {string} message */
const say = (message) => process.stdout.write(`${message}\n`);

/**
 * Ends the process after a signal during install or build; for `start` that is a clean stop like any other.
 *
 * @param {string} signal
 */
function onInterrupt(signal) {
  say('Interrupted.');
  process.exit(command === 'start' ? 0 : signal === 'SIGINT' ? 130 : 143);
}

async function main() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new Error(`Node 20.19 or newer is needed; this is ${process.version}.`);
  const home = commands.get(command);
  if (home === undefined)
    throw new Error(`Unknown command "${command}"; there are ${[...commands.keys()].join(', ')}.`);
  process.env.PATH = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`;
  process.env.TURBO_TELEMETRY_DISABLED = '1';
  process.env.TURBO_NO_UPDATE_NOTIFIER = '1';
  await prepare(root, say, onInterrupt);
  /** @type {{ run: (args: readonly string[]) => Promise<number> }} */
  const { run } = await import(`../${home}/dist/commands/${command}.js`);
  process.exitCode = await run(args);
}

/**
 * A foreseen failure is a sentence; any other is shown with its stack.
 *
 * @param {unknown} error
 */
function describeFailure(error) {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && (error.code === 'EACCES' || error.code === 'EPERM') && 'path' in error)
    return `${dirname(String(error.path))} is closed to this user. Run this as the user who owns it.`;
  if (error.constructor === Error || error.name === 'StackError') return error.message;
  return error.stack;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${describeFailure(error)}\n`);
  // CI reads the last line, also when no test could run.
  if (command.startsWith('test')) say('0 passed, 1 failed');
  process.exitCode = 1;
}
