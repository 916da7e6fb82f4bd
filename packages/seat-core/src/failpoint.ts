/** The moments at which a test may end the process, or put it to sleep; see packages/tools/chaos for what must be true afterwards. */
export type Failpoint =
  | 'hold-locked'
  | 'hold-committed'
  | 'hold-job-added'
  | 'hold-announced'
  | 'hold-done'
  | 'confirm-asked'
  | 'settle-committed'
  | 'confirm-done'
  | 'expire-asked'
  | 'expire-committed'
  | 'sweep-round';

/**
 * Does nothing. Under the import condition `failpoints`, which only tests set, `testing/failpoint.mjs` stands in
 * for it; that file is no part of what is published.
 */
export function failpoint(_name: Failpoint): void {}

/** As `failpoint`, at the moment when `done` is through and nothing that comes after it in the code has begun. */
export function failpointBehind(_name: Failpoint, _done: Promise<unknown>): Promise<void> | undefined {
  return undefined;
}
