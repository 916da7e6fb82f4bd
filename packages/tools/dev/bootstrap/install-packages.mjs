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
import { runTool } from './run-tool.mjs';

/**
 * Installs the workspace's packages with the pinned pnpm, unless they are those of these manifests.
 *
 * @param {string} root
 * @param {(message: string) => void} say
 * @param {(signal: string) => void} onInterrupt
 */
export async function installPackages(root, say, onInterrupt) {
  const stampFile = join(root, 'node_modules', '.installed-for');
  const wanted = fingerprint(root);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;

  say(
    existsSync(join(root, 'node_modules'))
      ? 'Installing packages: the lockfile or a package.json has changed, or an install was interrupted.'
      : 'Installing packages: this is the first run in this checkout.',
  );
  // Written again only when all is there: an interrupted install does not count.
  rmSync(stampFile, { force: true });
  /** @type {{ packageManager: string }} */
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const command = [
    'npm',
    'exec',
    '--yes',
    '--loglevel=error',
    '--no-progress',
    '--',
    packageManager,
    'install',
    '--frozen-lockfile',
  ];
  // npm's own level reaches pnpm by the environment, and would silence its progress.
  command.push('--loglevel=info');
  // Without a terminal pnpm would otherwise stop to ask whether it may replace another version's node_modules.
  command.push('--config.confirm-modules-purge=false');
  const { code } = await runTool(command, {
    cwd: root,
    env: installEnvironment(root),
    capture: false,
    onInterrupt,
  });
  if (code !== 0) {
    throw new Error(
      `The packages could not be installed (exit code ${code}); what pnpm says stands above. Run again to retry.`,
    );
  }
  writeFileSync(stampFile, wanted);
}

/**
 * Everything that decides what belongs into node_modules.
 *
 * @param {string} root
 */
function fingerprint(root) {
  const manifests = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', '.npmrc'];
  for (const folder of ['apps', 'packages', 'packages/tools']) {
    for (const name of readdirSync(join(root, folder)).toSorted())
      manifests.push(join(folder, name, 'package.json'));
  }
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const manifest of manifests.filter((path) => existsSync(join(root, path)))) {
    hash.update(`${manifest}\n`).update(readFileSync(join(root, manifest)));
  }
  return hash.digest('hex');
}

/**
 * Where the home folder is missing or closed, the package managers keep their caches in the checkout.
 *
 * @param {string} root
 */
function installEnvironment(root) {
  /** @type {NodeJS.ProcessEnv} */
  const environment = { ...process.env, NO_UPDATE_NOTIFIER: '1' };
  try {
    accessSync(homedir(), constants.W_OK);
  } catch {
    const cache = join(root, '.data', 'cache');
    mkdirSync(cache, { recursive: true });
    environment.npm_config_cache = join(cache, 'npm');
    environment.HOME = cache;
    environment.XDG_DATA_HOME = cache;
    environment.XDG_CACHE_HOME = cache;
    environment.XDG_STATE_HOME = cache;
    environment.XDG_CONFIG_HOME = cache;
  }
  return environment;
}
