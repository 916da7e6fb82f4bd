import { CircuitState, circuitBreaker, handleWhen, type IBreaker } from 'cockatiel';
import type { SeatCoreLogger } from '../options.ts';
import { withDeadline } from './deadline.ts';

export interface CircuitBreakerOptions<Client> {
  /** Name of the dependency in metrics, health and log: `redis`, `queue`, `postgresql`, `replica`. */
  readonly name: string;
  /** Which of several circuits to the dependency this is; in the log. */
  readonly lane?: string;
  readonly client: Client;
  /**
   * A request of our own that succeeds only while the dependency can do all that the engine asks of it. It is thorough
   * at the start, while the circuit is open, and every 3 s: then it asks for everything.
   */
  readonly probe: (client: Client, isThorough: boolean) => Promise<unknown>;
  /** The longest that work and probe may take, in ms. Without it they have limits of their own. */
  readonly limitMs?: number;
  readonly logger: SeatCoreLogger;
  /** Which errors mean that the dependency is down, rather than that it refuses this work. Default: all. */
  readonly isOutage?: (error: unknown) => boolean;
  /** How many such errors in a row open the circuit. Default 1. */
  readonly opensAfter?: number;
  /** Which of those errors open the circuit alone, whatever `opensAfter` says. */
  readonly isCertain?: (error: unknown) => boolean;
  /** Which of those errors are answers of a dependency that is there. Default: none. */
  readonly isRefusal?: (error: unknown) => boolean;
  /** Called at the start and at each change. */
  readonly onState?: (isOpen: boolean) => void;
  /** Recovers what the outage left behind. A failure is logged. */
  readonly onClosed?: (outageMs: number) => Promise<unknown>;
  /** Default 500; only tests set it. */
  readonly probeEveryMs?: number;
}

/** The circuit is open, so the work was not started: the dependency is down since some earlier work. */
export class CircuitOpenError extends Error {
  override readonly name = 'CircuitOpenError';
}

/** The outages that a circuit breaker counted, and so logged. */
const counted = new WeakSet<object>();

/** Whether a circuit breaker has logged this error, once for all work that failed with the same outage. */
export function isLoggedByCircuit(error: unknown): boolean {
  return error instanceof CircuitOpenError || (error instanceof Error && counted.has(error));
}

const thoroughEveryMs = 3_000;
/** Work that is refused so soon after a probe succeeded meets something that the probe does not ask for. */
const reopenedWithinMs = 10_000;
/** The circuit stays open so long then: without a pause it would open and close with every request. */
const refusedPauseMs = 2_000;

/**
 * A circuit breaker around the client of a network dependency. No request finds out whether the dependency is back:
 * an open circuit refuses all work at once. Only the probe goes through, at once and then twice a second, and its
 * success closes the circuit. The probe also runs while the circuit is closed, so that it usually meets an outage
 * before a request does.
 *
 * @see https://martinfowler.com/bliki/CircuitBreaker.html
 */
export class CircuitBreaker<Client> {
  /** For commands that must be sent whatever the state of the circuit. */
  readonly client: Client;
  readonly name: string;
  readonly #options: CircuitBreakerOptions<Client>;
  readonly #breaker;
  #openSince: number | null = null;
  #closedAt = -Infinity;
  #failure: unknown;
  #thoroughAt = -Infinity;
  #nextProbe: NodeJS.Timeout | undefined;
  #isProbing = false;
  #isStopped = false;

  constructor(options: CircuitBreakerOptions<Client>) {
    this.client = options.client;
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
      counted.add(error);
      this.#failure = error;
      failures = isCertain(error) ? opensAfter : failures + 1;
      return true;
    };
    // This class schedules the next attempt, not the library.
    this.#breaker = circuitBreaker(handleWhen(countOutage), { halfOpenAfter: 0, breaker: counter });
    this.#breaker.onBreak((reason) => this.#onOpened('error' in reason ? reason.error : undefined));
    this.#breaker.onReset(() => this.#onClosed());
    options.onState?.(false);
    this.#probeIn(0);
  }

  /** Whether work is being refused. */
  get isOpen(): boolean {
    return this.#breaker.state !== CircuitState.Closed;
  }

  /** The latest error that counted as an outage. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * @param limitMs instead of the breaker's own
   * @throws CircuitOpenError while the circuit is open; DeadlineError when the work took too long: its outcome is
   *   unknown then; else what the work throws
   */
  async run<T>(work: (client: Client) => Promise<T>, limitMs = this.#options.limitMs): Promise<T> {
    if (this.isOpen) throw new CircuitOpenError(`the circuit of ${this.name} is open`);
    return this.#execute(() => work(this.client), limitMs);
  }

  /** Ends the probing. The client stays open: it is its owner's. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#nextProbe);
  }

  #execute<T>(work: () => Promise<T>, limitMs = this.#options.limitMs): Promise<T> {
    return this.#breaker.execute(() =>
      limitMs === undefined ? work() : withDeadline(this.name, limitMs, work()),
    );
  }

  /** What names this circuit in the log. */
  get #fields(): object {
    const { lane } = this.#options;
    return { dependency: this.name, ...(lane === undefined ? {} : { lane }) };
  }

  #probeIn(ms: number): void {
    if (this.#isStopped || this.#isProbing) return;
    clearTimeout(this.#nextProbe);
    this.#nextProbe = setTimeout(() => void this.#probe(), ms).unref();
  }

  async #probe(): Promise<void> {
    const { probe, logger, probeEveryMs = 500 } = this.#options;
    this.#isProbing = true;
    const isThorough = this.isOpen || performance.now() - this.#thoroughAt >= thoroughEveryMs;
    try {
      await this.#execute(() => probe(this.client, isThorough));
      if (isThorough) this.#thoroughAt = performance.now();
    } catch (err) {
      logger.debug({ err, ...this.#fields }, 'probe failed');
    } finally {
      this.#isProbing = false;
      this.#probeIn(probeEveryMs);
    }
  }

  #onOpened(err: unknown): void {
    // A failed probe opens the circuit again; the outage is the same.
    if (this.#openSince !== null) return;
    this.#openSince = performance.now();
    const { logger, onState, isRefusal = () => false } = this.#options;
    logger.warn({ err, ...this.#fields }, 'circuit opened: work is refused at once until a probe succeeds');
    onState?.(true);
    const isUnprobed = isRefusal(err) && this.#openSince - this.#closedAt < reopenedWithinMs;
    this.#probeIn(isUnprobed ? refusedPauseMs : 0);
  }

  #onClosed(): void {
    const { logger, onState, onClosed } = this.#options;
    const outageMs = Math.ceil(performance.now() - (this.#openSince ?? performance.now()));
    this.#openSince = null;
    this.#closedAt = performance.now();
    logger.info({ ...this.#fields, outageMs }, 'circuit closed: the dependency is back');
    onState?.(false);
    void onClosed?.(outageMs).catch((err: unknown) =>
      logger.warn({ err, ...this.#fields }, 'cache repair after outage failed'),
    );
  }
}
