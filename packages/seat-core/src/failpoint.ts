/** The points at which a test may kill or stop the process. */
export type Failpoint =
  | 'hold-locked'
  | 'hold-committed'
  | 'hold-job-added'
  | 'hold-published'
  | 'hold-done'
  | 'confirm-started'
  | 'transition-committed'
  | 'confirm-done'
  | 'expire-started'
  | 'expire-committed'
  | 'sweep-round';

/**
 * Does nothing. Under the import condition `failpoints`, which only tests set, `testing/failpoint.mjs` replaces this
 * file; that one is not published.
 */
export function failpoint(_name: Failpoint): void {}

/** As `failpoint`, after `done` has resolved and before any code that awaits it runs. */
export function failpointBehind(_name: Failpoint, _done: Promise<unknown>): Promise<void> | undefined {
  return undefined;
}
