import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { takeProcessLock } from './process-lock.mjs';

/** The longest that an install or a build may take, or a wait for those of another process. */
const toolLimitMs = 15 * 60_000;

/**
 * Installs the packages with the pinned pnpm and builds, unless all is up to date; one process of a checkout at a time.
 *
 * @param {string} root
 * @param {(message: string) => void} say
 * @param {AbortSignal} interruption ends the install or build
 * @throws an Error whose message says what to do, or the abort
 */
export async function prepare(root, say, interruption) {
  const lockFile = join(root, '.data', 'bootstrap.lock');
  mkdirSync(join(root, '.data'), { recursive: true });
  let lock = takeProcessLock(lockFile);
  if (lock.heldBy !== undefined)
    say(`Waiting for process ${lock.heldBy}, which is installing or building here.`);
  const givesUpAt = Date.now() + toolLimitMs;
  for (; lock.heldBy !== undefined; lock = takeProcessLock(lockFile)) {
    if (Date.now() > givesUpAt)
      throw new Error(`Process ${lock.heldBy} is still installing or building here. End it and run again.`);
    await delay(100, undefined, { signal: interruption });
  }
  await install(root, say, interruption);
  await build(root, say, interruption);
  lock.release();
}

/** @type {typeof prepare} */
async function install(root, say, interruption) {
  const stampFile = join(root, 'node_modules', '.installed-for');
  const wanted = fingerprint(root);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
  say(
    existsSync(join(root, 'node_modules'))
      ? 'Installing packages: the lockfile or a package.json has changed, or an install was interrupted.'
      : 'Installing packages: this is the first run in this checkout.',
  );
  // Written again at the end: an interrupted install does not count.
  rmSync(stampFile, { force: true });
  /** @type {{ packageManager: string }} */
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const npm = ['npm', 'exec', '--yes', '--loglevel=error', '--no-progress', '--', packageManager];
  // npm's log level reaches pnpm through the environment and would silence its progress. Without a terminal pnpm would
  // stop to ask whether it may replace the node_modules of another version.
  const flags = ['--frozen-lockfile', '--loglevel=info', '--config.confirm-modules-purge=false'];
  // NODE_ENV=production would leave out the compiler.
  flags.push('--prod=false');
  const env = { ...process.env, NO_UPDATE_NOTIFIER: '1', ...homeIfClosed(root) };
  const { code } = await runTool(
    [...npm, 'install', ...flags],
    { cwd: root, env, stdio: 'inherit' },
    interruption,
  );
  if (code !== 0)
    throw new Error(
      `The packages could not be installed (exit code ${code}), see above. Run again to retry.`,
    );
  writeFileSync(stampFile, wanted);
}

/**
 * A hash of the files that decide what belongs into node_modules.
 *
 * @param {string} root
 */
function fingerprint(root) {
  const folders = ['apps', 'packages', 'packages/tools'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(parent, name)),
  );
  const manifests = ['.', ...folders].map((folder) => join(folder, 'package.json'));
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', ...manifests]) {
    if (existsSync(join(root, file))) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/**
 * The package managers keep their caches in the home folder, and where that is missing or closed, in the checkout.
 *
 * @param {string} root
 */
function homeIfClosed(root) {
  try {
    accessSync(homedir(), constants.W_OK);
    return {};
  } catch {
    const HOME = join(root, '.data', 'cache');
    mkdirSync(HOME, { recursive: true });
    return { HOME, npm_config_cache: join(HOME, 'npm') };
  }
}

/** @type {typeof prepare} */
async function build(root, say, interruption) {
  // turbo needs about 0.1 s to see that nothing has changed; only a real build is worth a line.
  const announcement = setTimeout(() => say('Building.'), 500);
  const command = ['turbo', 'run', 'build', '--output-logs=errors-only', '--ui=stream'];
  const { code, output } = await runTool(
    command,
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    interruption,
  );
  clearTimeout(announcement);
  if (code !== 0)
    throw new Error(`${output.trimEnd()}\nThe build failed, see the compiler's messages above.`);
}

/**
 * Runs a program in a process group of its own. An interruption ends the whole group: no install goes on behind a prompt
 * that has come back.
 *
 * @param {readonly string[]} command
 * @param {import('node:child_process').SpawnOptions} options
 * @param {AbortSignal} interruption
 * @returns {Promise<{ code: number | null, output: string }>} `output` is empty unless it is piped
 */
async function runTool([program = '', ...args], options, interruption) {
  interruption.throwIfAborted();
  const child = spawn(program, args, { ...options, detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += String(text)));
  /** @type {NodeJS.Timeout[]} */
  const timers = [];
  let isLate = false;
  const end = () => {
    signalGroup(child.pid, 'SIGTERM');
    timers.push(setTimeout(() => signalGroup(child.pid, 'SIGKILL'), 5_000));
  };
  const timeUp = () => {
    isLate = true;
    end();
  };
  timers.push(setTimeout(timeUp, toolLimitMs));
  interruption.addEventListener('abort', end, { once: true });
  try {
    const [code] = await once(child, 'close');
    interruption.throwIfAborted();
    if (isLate) throw new Error(`${program} did not end within ${toolLimitMs / 60_000} minutes.`);
    return { code, output };
  } finally {
    interruption.removeEventListener('abort', end);
    for (const timer of timers) clearTimeout(timer);
  }
}

/**
 * @param {number | undefined} pid
 * @param {NodeJS.Signals} signal
 */
function signalGroup(pid, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // The group has ended.
  }
}
