/**
 * Takes a lock that one process at a time can hold. The kernel releases it when its holder ends, even by SIGKILL.
 *
 * @param path the lock file; its folder must exist, and the file stays
 * @returns `heldBy`: the process that holds the lock; undefined when the caller does
 */
export function takeProcessLock(path: string): {
  readonly heldBy: number | undefined;
  readonly release: () => void;
};
