import { SeatCoreError } from '../errors.ts';

/**
 * What needs a turn, because it handles every seat of an event at once:
 *
 *   first        the first reading of an event, for its map or its live feed
 *   refresh      reading the statuses of a map again
 *   rendering    writing or compressing a map, by the program around the engine
 *   comparison   comparing a live feed with PostgreSQL
 */
export type BulkKind = 'first' | 'refresh' | 'rendering' | 'comparison';

const kinds: readonly BulkKind[] = ['first', 'refresh', 'rendering', 'comparison'];

/**
 * After work the process rests for four times as long, so first readings cost at most a fifth of its time, and known
 * maps another: new events do not make known ones wait for their rest. Rendering follows a reading at once, and is part
 * of what the next refresh waits for. A comparison comes when it was promised.
 */
const restFactor = 4;
const restAfter = {
  first: 'first',
  refresh: 'refresh',
  rendering: 'refresh',
  comparison: undefined,
} as const;
/** Work of an event of a few hundred seats; it needs no rest. */
const smallWorkMs = 5;
/** Events that may wait for their first reading. The other kinds wait at most once per event in memory. */
const maxFirstReadings = 20;
/** Shorter than the 5 s that a closing service gives its requests. */
const maxWaitMs = 4_000;

/**
 * One piece of bulk work at a time in a process, whichever event it is for; the kinds alternate, so that a crowd at new
 * events delays a known one by one turn.
 */
export class BulkTurns {
  readonly #waiting: Readonly<Record<BulkKind, (() => void)[]>> = {
    first: [],
    refresh: [],
    rendering: [],
    comparison: [],
  };
  #lastKind = 0;
  #isBusy = false;
  readonly #restsUntil = { first: 0, refresh: 0, rendering: 0, comparison: 0 };
  #timer: NodeJS.Timeout | undefined;

  /**
   * Runs the work when its turn comes. The work must not take another turn.
   *
   * @throws OVERLOADED when too many first readings wait; else what the work throws
   */
  async run<T>(kind: BulkKind, work: () => Promise<T>): Promise<T> {
    const queue = this.#waiting[kind];
    if (kind === 'first' && queue.length >= maxFirstReadings)
      throw new SeatCoreError('OVERLOADED', `${queue.length} other events wait for their first reading`);
    await new Promise<void>((resolve) => {
      queue.push(resolve);
      this.#startNext();
    });
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      const now = performance.now();
      const resting = restAfter[kind];
      if (resting !== undefined) {
        const restMs = restFactor * Math.max(0, now - startedAt - smallWorkMs);
        this.#restsUntil[resting] = Math.max(this.#restsUntil[resting], now) + restMs;
      }
      this.#isBusy = false;
      this.#startNext();
    }
  }

  /** Whether work of this kind has to wait, for no other reason than the share of time. */
  isResting(kind: BulkKind): boolean {
    return performance.now() < this.#restsUntil[kind];
  }

  #startNext(): void {
    if (this.#isBusy) return;
    clearTimeout(this.#timer);
    let restsUntil = Infinity;
    for (let step = 1; step <= kinds.length; step++) {
      const index = (this.#lastKind + step) % kinds.length;
      const kind = kinds[index]!;
      if (this.#waiting[kind].length === 0) continue;
      if (this.isResting(kind)) {
        restsUntil = Math.min(restsUntil, this.#restsUntil[kind]);
        continue;
      }
      this.#lastKind = index;
      this.#isBusy = true;
      this.#waiting[kind].shift()!();
      return;
    }
    if (restsUntil < Infinity)
      this.#timer = setTimeout(() => this.#startNext(), restsUntil - performance.now());
  }
}

/**
 * Waits up to 4 s for work that needs a turn. The work goes on, so a request that is sent again may find it done.
 *
 * @throws OVERLOADED after that; else what the work throws
 */
export async function waitForBulkWork<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const refuse = () => reject(new SeatCoreError('OVERLOADED', `bulk work was not done in ${maxWaitMs} ms`));
    timer = setTimeout(refuse, maxWaitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
