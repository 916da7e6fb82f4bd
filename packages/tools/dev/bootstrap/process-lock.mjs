import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isAlive, processIdentity } from '../../../testkit/plain/process-identity.mjs';

/** In place of a holder: the lock went away between the try and the look. */
const released = 'released';

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
      if (holder !== released) removeStale(path, holder, own);
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
    return read(path) ?? released;
  }
}

/**
 * Two may find the same dead holder, and the slower one must not remove the faster one's new lock: only who
 * has the guard removes, and looks once more before.
 *
 * @param {string} path
 * @param {string} holder
 * @param {string} own
 */
function removeStale(path, holder, own) {
  const guard = `${path}.removing`;
  const remover = tryLink(own, guard);
  if (remover === undefined) {
    if (read(path) === holder) rmSync(path);
    rmSync(guard);
  } else if (remover !== released && !isAlive(remover)) {
    rmSync(guard, { force: true });
  }
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
