import type { SeatCoreLogger } from '../options.ts';
import { isLoggedByCircuit } from './circuit-breaker.ts';

/** The longest that an answer waits for work on Redis that it does not depend on. */
const budgetMs = 250;

/** Work that may outlive the answer it belongs to. Closing the engine waits for all of it. */
export class Background {
  readonly #running = new Set<Promise<unknown>>();
  readonly #logger: SeatCoreLogger;

  constructor(logger: SeatCoreLogger) {
    this.#logger = logger;
  }

  /**
   * Waits up to 250 ms for the work; then the work goes on in the background. Never rejects: a failure is logged,
   * and the sweep, the cache repair and the lifetimes of keys recover from it.
   */
  async withinBudget(work: Promise<unknown>): Promise<void> {
    const settled = work
      .catch((err: unknown) => {
        const level = isLoggedByCircuit(err) ? 'debug' : 'warn';
        this.#logger[level]({ err }, 'background work failed');
      })
      .finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    let timer: NodeJS.Timeout | undefined;
    const budget = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, budgetMs);
    });
    await Promise.race([settled, budget]);
    clearTimeout(timer);
  }

  async finished(): Promise<void> {
    await Promise.all(this.#running);
  }
}
