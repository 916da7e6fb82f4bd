import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, runCommand } from '@ticketing/testkit';

const version = '24.21.0';

/** Finds the Node of the images, fetched once from its npm package: machines for development have 20. */
export async function findNode24(): Promise<string> {
  const folder = join(cacheFolder, `node-${version}`);
  const name = `node-${process.platform}-${process.arch}`;
  const program = join(folder, 'node_modules', name, 'bin/node');
  if (existsSync(program)) return program;
  console.log(`fetching Node ${version} from npm`);
  mkdirSync(folder, { recursive: true });
  const npm = ['npm', 'install', '--ignore-scripts', '--no-save', '--prefix', folder, `${name}@${version}`];
  const { code, output } = await runCommand(npm, { env: toolEnvironment(), cwd: folder });
  if (code !== 0 || !existsSync(program)) throw new Error(`Node ${version} could not be fetched:\n${output}`);
  return program;
}

/** The environment for package managers. Where the home folder cannot be written, their caches are in the checkout. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  const quiet = { ...process.env, NO_UPDATE_NOTIFIER: '1', npm_config_loglevel: 'error' };
  try {
    accessSync(homedir(), constants.W_OK);
    return quiet;
  } catch {
    mkdirSync(cacheFolder, { recursive: true });
    const own = { HOME: cacheFolder, XDG_DATA_HOME: cacheFolder };
    return { ...quiet, ...own, npm_config_cache: join(cacheFolder, 'npm') };
  }
}
