import { delimiter, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
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

/** The exit codes of an interrupt before the command runs; for `start` it is a clean stop like any other. */
const exitCodes = new Map([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]);
const interruption = new AbortController();

/** @param {string} signal */
const interrupt = (signal) => interruption.abort(signal);

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
  // pg would load a native driver, which is not installed here.
  delete process.env.NODE_PG_FORCE_NATIVE;
  for (const signal of exitCodes.keys()) process.on(signal, interrupt);
  await prepare(root, say, interruption.signal);
  /** @type {{ run: (args: readonly string[]) => Promise<number> }} */
  const { run } = await import(`../${home}/dist/commands/${command}.js`);
  // A signal that came while modules were loaded is delivered by the next round of the event loop.
  await setImmediate();
  interruption.signal.throwIfAborted();
  const result = run(args);
  // From here on signals are the command's. Without a listener in between, none is lost.
  for (const signal of exitCodes.keys()) process.removeListener(signal, interrupt);
  return result;
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

async function exitCode() {
  try {
    return await main();
  } catch (error) {
    const { aborted, reason } = interruption.signal;
    if (aborted) say('Interrupted.');
    else process.stderr.write(`${describeFailure(error)}\n`);
    // CI reads the last line, also when no test could run.
    if (command.startsWith('test')) say('0 passed, 1 failed');
    if (!aborted) return 1;
    return command === 'start' ? 0 : exitCodes.get(reason);
  }
}

// A connection or timer that an interrupted or failed command left open does not keep the process.
process.exit(await exitCode());
