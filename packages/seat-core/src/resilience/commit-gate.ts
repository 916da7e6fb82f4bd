import type { SeatCoreLogger } from '../options.ts';

/** Nothing was sent: commits wait for a synchronous standby that does not answer. */
export class CommitsWaitError extends Error {
  override readonly name = 'CommitsWaitError';
}

export interface CommitGateOptions {
  readonly logger: SeatCoreLogger;
  /** Called at the start and at each change. */
  readonly onState?: (isClosed: boolean) => void;
}

/**
 * Closed while a commit waits for a synchronous standby. A commit that waits holds its backend until the standby is back
 * and cannot be taken back: cancelled, it counts as made. So while one waits, no further commit is sent, or each would
 * take one more backend until PostgreSQL has none left, for readers either. The one that waits is the sensor: when it has
 * gone, commits are sent again.
 *
 * @see https://www.postgresql.org/docs/15/warm-standby.html#SYNCHRONOUS-REPLICATION-HA
 */
export class CommitGate {
  readonly #options: CommitGateOptions;
  #isClosed = false;

  constructor(options: CommitGateOptions) {
    this.#options = options;
    options.onState?.(false);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws CommitsWaitError */
  assertOpen(): void {
    if (this.#isClosed) throw new CommitsWaitError('commits wait for a synchronous standby');
  }

  /** @param commitsWait what PostgreSQL says now */
  update(commitsWait: boolean): void {
    if (commitsWait === this.#isClosed) return;
    this.#isClosed = commitsWait;
    const { logger, onState } = this.#options;
    onState?.(commitsWait);
    if (commitsWait)
      logger.warn(
        {},
        'a commit waits for a synchronous standby: sales are refused until the standby is back',
      );
    else logger.info({}, 'commits no longer wait for a synchronous standby: sales go on');
  }
}
