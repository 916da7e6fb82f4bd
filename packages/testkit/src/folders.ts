import { join, resolve } from 'node:path';

/** The checkout. This file lies as deep in `src` as its build in `dist`. */
export const repositoryRoot = resolve(import.meta.dirname, '../../..');

/** Where `npm start` keeps data, logs and its lock: `.data`, or TICKETING_DATA_DIR for a second stack beside it. */
export function dataFolder(): string {
  const chosen = process.env['TICKETING_DATA_DIR'];
  return chosen === undefined || chosen === '' ? join(repositoryRoot, '.data') : resolve(chosen);
}

/** Files that can be fetched again. In the checkout: deleting the checkout leaves nothing behind. */
export const cacheFolder = join(repositoryRoot, '.data', 'cache');
