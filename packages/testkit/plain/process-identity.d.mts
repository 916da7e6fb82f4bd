/**
 * A process, told apart from a later one with the same number: "4711-88123456". Fit for a file name.
 *
 * @returns undefined when no such process lives
 */
export function processIdentity(pid: number): string | undefined;

/** Whether the process that was given this identity still lives. */
export function isAlive(identity: string): boolean;
