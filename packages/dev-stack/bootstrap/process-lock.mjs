import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isAlive, processIdentity } from './process-identity.mjs';

/** @param {string} path */
export function takeProcessLock(path) {
  const identity = processIdentity(process.pid) ?? String(process.pid);
  const own = `${path}.${identity}`;
  // A link appears with its content, at once or not at all: nobody reads a half-written lock.
  writeFileSync(own, identity);
  try {
    for (;;) {
      const holder = tryLink(own, path);
      if (holder === undefined) return { heldBy: undefined, release: () => release(path, identity) };
      if (isAlive(holder)) return { heldBy: Number.parseInt(holder, 10), release: () => undefined };
      removeStale(path, holder, `${own}.stale`);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * @param {string} own
 * @param {string} path
 * @returns {string | undefined} undefined when we have the lock now, else who holds it
 */
function tryLink(own, path) {
  try {
    linkSync(own, path);
    return undefined;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return read(path) ?? '';
  }
}

/**
 * Two may find the same dead holder: what was moved aside is looked at again, lest it be the faster one's new lock.
 *
 * @param {string} path
 * @param {string} holder
 * @param {string} aside
 */
function removeStale(path, holder, aside) {
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  if (read(aside) !== holder) tryLink(aside, path);
  rmSync(aside, { force: true });
}

/**
 * @param {string} path
 * @param {string} identity
 */
function release(path, identity) {
  if (read(path) === identity) rmSync(path, { force: true });
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
