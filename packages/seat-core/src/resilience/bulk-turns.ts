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
 * After a first reading the process rests for as long as it took, after the others four times as long: first readings
 * cost at most half of its time while events are new to it, and known maps a fifth. Rendering follows a reading at once,
 * and is part of what the next refresh waits for. A comparison comes when it was promised.
 */
const rests = {
  first: { before: 'first', factor: 1 },
  refresh: { before: 'refresh', factor: 4 },
  rendering: { before: 'refresh', factor: 4 },
  comparison: undefined,
} as const;
/** Work of an event of a few hundred seats; it needs no rest. */
const smallWorkMs = 5;
/** Events that may wait for their first reading. The other kinds wait at most once per event in memory. */
const maxFirstReadings = 20;
/** Shorter than the 5 s that a closing service gives its requests. */
const maxWaitMs = 4_000;

interface WaitingWork {
  readonly start: () => void;
  readonly drop: () => void;
  readonly wanted: () => number;
}

/**
 * One piece of bulk work at a time in a process, whichever event it is for; the kinds alternate, so that a crowd at new
 * events delays a known one by one turn. Within a kind the oldest and the one that most callers wait for come by turns;
 * what no caller waits for any longer is not done.
 */
export class BulkTurns {
  readonly #waiting: Record<BulkKind, WaitingWork[]> = {
    first: [],
    refresh: [],
    rendering: [],
    comparison: [],
  };
  #lastKind = 0;
  #isBusy = false;
  #isOldestNext = true;
  readonly #restsUntil = { first: 0, refresh: 0, rendering: 0, comparison: 0 };
  #timer: NodeJS.Timeout | undefined;

  /**
   * Runs the work when its turn comes. The work must not take another turn.
   *
   * @param wanted how many callers wait for it
   * @throws OVERLOADED when too many first readings wait, or no caller waits for this work when its turn comes; else what
   *   the work throws
   */
  async run<T>(kind: BulkKind, work: () => Promise<T>, wanted = () => 1): Promise<T> {
    this.#dropUnwanted(kind);
    const queue = this.#waiting[kind];
    if (kind === 'first' && queue.length >= maxFirstReadings)
      throw new SeatCoreError('OVERLOADED', `${queue.length} other events wait for their first reading`);
    await new Promise<void>((resolve, reject) => {
      const drop = () => reject(new SeatCoreError('OVERLOADED', 'no caller waits for this bulk work'));
      const waiting = { start: resolve, drop, wanted };
      this.#waiting[kind].push(waiting);
      this.#startNext(waiting);
    });
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      const now = performance.now();
      const rest = rests[kind];
      if (rest !== undefined) {
        const restMs = rest.factor * Math.max(0, now - startedAt - smallWorkMs);
        this.#restsUntil[rest.before] = Math.max(this.#restsUntil[rest.before], now) + restMs;
      }
      this.#isBusy = false;
      this.#startNext();
    }
  }

  /** Whether work of this kind has to wait, for no other reason than the share of time. */
  isResting(kind: BulkKind): boolean {
    return performance.now() < this.#restsUntil[kind];
  }

  /** @param fresh its caller has not begun to wait yet */
  #startNext(fresh?: WaitingWork): void {
    if (this.#isBusy) return;
    clearTimeout(this.#timer);
    let restsUntil = Infinity;
    for (let step = 1; step <= kinds.length; step++) {
      const index = (this.#lastKind + step) % kinds.length;
      const kind = kinds[index]!;
      this.#dropUnwanted(kind, fresh);
      if (this.#waiting[kind].length === 0) continue;
      if (this.isResting(kind)) {
        restsUntil = Math.min(restsUntil, this.#restsUntil[kind]);
        continue;
      }
      this.#lastKind = index;
      this.#isBusy = true;
      this.#take(kind).start();
      return;
    }
    if (restsUntil < Infinity)
      this.#timer = setTimeout(() => this.#startNext(), restsUntil - performance.now());
  }

  #dropUnwanted(kind: BulkKind, fresh?: WaitingWork): void {
    const queue = this.#waiting[kind];
    const isUnwanted = (work: WaitingWork) => work !== fresh && work.wanted() === 0;
    this.#waiting[kind] = queue.filter((work) => !isUnwanted(work));
    for (const work of queue) if (isUnwanted(work)) work.drop();
  }

  #take(kind: BulkKind): WaitingWork {
    const queue = this.#waiting[kind];
    this.#isOldestNext = !this.#isOldestNext;
    const counts = queue.map(({ wanted }) => wanted());
    const index = this.#isOldestNext ? 0 : counts.indexOf(Math.max(...counts));
    return queue.splice(index, 1)[0]!;
  }
}

/** The callers that wait for one piece of bulk work. */
export class BulkWaiters {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /**
   * Waits up to 4 s. Work that has begun goes on, so a request that is sent again may find it done.
   *
   * @throws OVERLOADED after that; else what the work throws
   */
  async wait<T>(work: Promise<T>): Promise<T> {
    this.#count += 1;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      const refuse = () =>
        reject(new SeatCoreError('OVERLOADED', `bulk work was not done in ${maxWaitMs} ms`));
      timer = setTimeout(refuse, maxWaitMs);
    });
    try {
      return await Promise.race([work, limit]);
    } finally {
      this.#count -= 1;
      clearTimeout(timer);
    }
  }
}
