import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fchownSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

// Plain JavaScript: the bootstrap needs it before anything is installed. Its types stand beside it.

/** open(2) of macOS takes a lock at once; Node has no names for these flags. */
const macLock = 0x20 | constants.O_NONBLOCK;

/** @param {string} path */
export function takeProcessLock(path) {
  const file = tryLock(path);
  if (file === undefined) return { heldBy: Number(readFileSync(path, 'utf8')), release: () => undefined };
  ftruncateSync(file);
  writeSync(file, String(process.pid), 0);
  // Root may lock in the folder of an ordinary user, who must be able to open the file afterwards.
  const { uid, gid } = statSync(dirname(path));
  if (process.getuid?.() === 0) fchownSync(file, uid, gid);
  let isOpen = true;
  const release = () => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  return { heldBy: undefined, release };
}

/**
 * flock(2) locks an open file, not a process: the lock that the command `flock` takes on our file stays after the command
 * has ended, for as long as our file is open. Children do not inherit it.
 *
 * @param {string} path
 * @returns {number | undefined} the open file, undefined when another process has the lock
 */
function tryLock(path) {
  const isMac = process.platform === 'darwin';
  let file;
  try {
    file = openSync(path, constants.O_RDWR | constants.O_CREAT | (isMac ? macLock : 0), 0o644);
  } catch (error) {
    if (isMac && error.code === 'EAGAIN') return undefined;
    throw error;
  }
  if (isMac) return file;
  const { status, error } = spawnSync('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', file] });
  if (error !== undefined)
    throw new Error(`The program flock (package util-linux) is needed: ${error.message}`);
  if (status === 0) return file;
  closeSync(file);
  return undefined;
}
