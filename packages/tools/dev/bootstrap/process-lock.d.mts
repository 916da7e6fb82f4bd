/**
 * Takes a lock that one process at a time can hold; it ends with its holder, however that ends.
 *
 * @param path of the lock file; its folder must exist
 * @returns who has it: `heldBy` is undefined when the caller does
 */
export function takeProcessLock(path: string): {
  readonly heldBy: number | undefined;
  readonly release: () => void;
};
