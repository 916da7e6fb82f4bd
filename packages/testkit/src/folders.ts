import { join, resolve } from 'node:path';

/** The checkout. This file is as deep in `src` as its build is in `dist`. */
export const repositoryRoot = resolve(import.meta.dirname, '../../..');

/** Where `npm start` keeps servers' data, logs and its lock. Two stacks live side by side in two of these. */
export function dataFolder(): string {
  const chosen = process.env['TICKETING_DATA_DIR'];
  return chosen === undefined || chosen === '' ? join(repositoryRoot, '.data') : resolve(chosen);
}

/** What can be fetched again. In the checkout, so that nothing is left behind when the checkout is deleted. */
export const cacheFolder = join(repositoryRoot, '.data', 'cache');
