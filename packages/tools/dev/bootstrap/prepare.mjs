import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
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

/**
 * Installs the packages with the pinned pnpm and builds, unless all is up to date; one process of a checkout at a time.
 *
 * @param {string} root
 * @param {(message: string) => void} say
 * @param {(signal: string) => void} onInterrupt called when a signal has ended the install or build
 */
export async function prepare(root, say, onInterrupt) {
  const lockFile = join(root, '.data', 'bootstrap.lock');
  mkdirSync(join(root, '.data'), { recursive: true });
  let lock = takeProcessLock(lockFile);
  if (lock.heldBy !== undefined)
    say(`Waiting for process ${lock.heldBy}, which is installing or building here.`);
  for (; lock.heldBy !== undefined; lock = takeProcessLock(lockFile)) await delay(100);
  await install(root, say, onInterrupt);
  await build(root, say, onInterrupt);
  lock.release();
}

/** @type {typeof prepare} */
async function install(root, say, onInterrupt) {
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
  const env = { ...process.env, NO_UPDATE_NOTIFIER: '1', ...homeIfClosed(root) };
  const { code } = await runTool(
    [...npm, 'install', ...flags],
    { cwd: root, env, stdio: 'inherit' },
    onInterrupt,
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
async function build(root, say, onInterrupt) {
  // turbo needs about 0.1 s to see that nothing has changed; only a real build is worth a line.
  const announcement = setTimeout(() => say('Building.'), 500);
  const command = ['turbo', 'run', 'build', '--output-logs=errors-only', '--ui=stream'];
  const { code, output } = await runTool(
    command,
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    onInterrupt,
  );
  clearTimeout(announcement);
  if (code !== 0)
    throw new Error(`${output.trimEnd()}\nThe build failed, see the compiler's messages above.`);
}

/**
 * Runs a program in a process group of its own. A signal ends the whole group and then, by `onInterrupt`, this process:
 * no install goes on behind a prompt that has come back.
 *
 * @param {readonly string[]} command
 * @param {import('node:child_process').SpawnOptions} options
 * @param {(signal: string) => void} onInterrupt
 * @returns {Promise<{ code: number | null, output: string }>} `output` is empty unless it is piped
 */
function runTool([program = '', ...args], options, onInterrupt) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += String(text)));
    /** @type {string | undefined} */
    let interruptedBy;
    const interrupt = (/** @type {string} */ signal) => {
      interruptedBy ??= signal;
      process.kill(-(child.pid ?? 0), 'SIGTERM');
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, interrupt);
    child.once('error', reject);
    child.once('close', (code) => {
      for (const signal of signals) process.removeListener(signal, interrupt);
      if (interruptedBy !== undefined) onInterrupt(interruptedBy);
      resolve({ code, output });
    });
  });
}
