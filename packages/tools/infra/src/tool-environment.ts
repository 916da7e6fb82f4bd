import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '@ticketing/testkit';

/** The environment for package managers: where the home folder is missing or closed, their caches are in the checkout. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  const quiet = { ...process.env, NO_UPDATE_NOTIFIER: '1', npm_config_loglevel: 'error' };
  try {
    accessSync(homedir(), constants.W_OK);
    return quiet;
  } catch {
    mkdirSync(cacheFolder, { recursive: true });
    return {
      ...quiet,
      HOME: cacheFolder,
      XDG_DATA_HOME: cacheFolder,
      npm_config_cache: join(cacheFolder, 'npm'),
    };
  }
}
