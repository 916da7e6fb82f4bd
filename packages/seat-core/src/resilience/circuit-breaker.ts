import { CircuitState, circuitBreaker, handleWhen, type IBreaker } from 'cockatiel';
import type { SeatCoreLogger } from '../options.ts';
import { inTime } from './deadline.ts';

export interface DependencyOptions {
  /** As metrics, health and log name it: `redis`, `queue`, `postgresql`. */
  readonly name: string;
  /** A question of our own; it succeeds only while the other side can do all that is asked of it. */
  readonly probe: () => Promise<unknown>;
  /** The longest that work and probe may take. */
  readonly limitMs: number;
  readonly logger: SeatCoreLogger;
  /** Which errors say that the other side is away, and not that it refuses this work; by default all. */
  readonly isOutage?: (error: unknown) => boolean;
  /** After how many failures in a row it counts as away; default 1. */
  readonly opensAfter?: number;
  /** Which of those errors are enough alone, however many it takes of the others. */
  readonly isCertain?: (error: unknown) => boolean;
  /** Told at the start and at each change. */
  readonly onState?: (isAway: boolean) => void;
  /** What is to be made good when it is back. A failure is logged. */
  readonly onReturn?: (awayMs: number) => Promise<unknown>;
  readonly probeEveryMs?: number;
}

/** The work was not begun, because the other side has been away since some earlier work. */
export class DependencyAwayError extends Error {
  override readonly name = 'DependencyAwayError';
}

/**
 * A circuit breaker around something that is asked over the network. Nobody's request finds out whether it is
 * back: once it failed, work is refused at once, and only the probe goes through, which is sent at once and
 * then twice a second. It is sent while all is well, too, so that an outage is known before a request meets it.
 */
export class Dependency implements Disposable {
  readonly name: string;
  readonly #options: DependencyOptions;
  readonly #breaker;
  #awaySince: number | null = null;
  #nextProbe: NodeJS.Timeout | undefined;
  #isProbing = false;
  #isStopped = false;

  constructor(options: DependencyOptions) {
    this.name = options.name;
    this.#options = options;
    const { isOutage = () => true, isCertain = () => false, opensAfter = 1 } = options;
    let failures = 0;
    const counter: IBreaker = {
      state: undefined,
      success: () => void (failures = 0),
      failure: () => failures >= opensAfter,
    };
    const countOutage = (error: Error) => {
      if (!isOutage(error)) return false;
      failures = isCertain(error) ? opensAfter : failures + 1;
      return true;
    };
    // When the next attempt is made is decided here, not by the library.
    this.#breaker = circuitBreaker(handleWhen(countOutage), { halfOpenAfter: 0, breaker: counter });
    this.#breaker.onBreak((reason) => this.#opened('error' in reason ? reason.error : undefined));
    this.#breaker.onReset(() => this.#closed());
    options.onState?.(false);
    this.#probeIn(0);
  }

  /** Whether work is being refused. */
  get isAway(): boolean {
    return this.#breaker.state !== CircuitState.Closed;
  }

  /**
   * @param limitMs instead of the dependency's own
   * @throws DependencyAwayError while it is away; LateError when the work took too long: then its outcome is
   *   unknown; else what the work threw
   */
  async run<T>(work: () => Promise<T>, limitMs = this.#options.limitMs): Promise<T> {
    if (this.isAway) throw new DependencyAwayError(`${this.name} is away`);
    return this.#breaker.execute(() => inTime(this.name, limitMs, work()));
  }

  /** Ends the probing. */
  [Symbol.dispose](): void {
    this.#isStopped = true;
    clearTimeout(this.#nextProbe);
  }

  #probeIn(ms: number): void {
    if (this.#isStopped || this.#isProbing) return;
    clearTimeout(this.#nextProbe);
    this.#nextProbe = setTimeout(() => void this.#probe(), ms).unref();
  }

  async #probe(): Promise<void> {
    const { probe, limitMs, logger, probeEveryMs = 500 } = this.#options;
    this.#isProbing = true;
    try {
      await this.#breaker.execute(() => inTime(this.name, limitMs, probe()));
    } catch (err) {
      logger.debug({ err, part: this.name }, 'the probe failed');
    } finally {
      this.#isProbing = false;
      this.#probeIn(probeEveryMs);
    }
  }

  #opened(err: unknown): void {
    // A probe that fails opens it again; the outage is the same.
    if (this.#awaySince !== null) return;
    this.#awaySince = performance.now();
    this.#options.logger.warn({ err, part: this.name }, 'a part is away; no request waits for it');
    this.#options.onState?.(true);
    this.#probeIn(0);
  }

  #closed(): void {
    const { logger, onState, onReturn } = this.#options;
    const awayMs = Math.ceil(performance.now() - (this.#awaySince ?? performance.now()));
    this.#awaySince = null;
    logger.info({ part: this.name, awayMs }, 'a part is back');
    onState?.(false);
    void onReturn?.(awayMs).catch((err: unknown) =>
      logger.warn({ err, part: this.name }, 'what an outage left behind was not mended'),
    );
  }
}
