import type { SeatCoreLogger } from '../options.ts';
import type { HallStates } from '../states/seat-states.ts';
import type { SeatStatus } from '../types.ts';

/** A seat as whoever follows an event is told of it. */
export interface WatchedSeat {
  readonly id: string;
  readonly status: SeatStatus;
}

/** All of it: the seats that are not AVAILABLE. Whatever was told before is void. */
export interface SeatsSnapshot {
  readonly type: 'snapshot';
  /** The sum of the seats' versions. */
  readonly version: number;
  readonly seats: readonly WatchedSeat[];
}

/** What changed since the last update, each seat once, as it is now. */
export interface SeatsChanges {
  readonly type: 'changes';
  readonly seats: readonly WatchedSeat[];
}

export type SeatsUpdate = SeatsSnapshot | SeatsChanges;

/** Told of updates; while a promise of it is pending, changes are gathered for the next one. */
export type OnSeatsUpdate = (update: SeatsUpdate) => void | Promise<void>;

const tickMs = 100;
/** After an update its watcher rests for a quarter of what it took, though others had turns meanwhile, too. */
const restsPerUpdate = 0.25;

/** Gathers what changes for one watcher, and tells it about every 100 ms while something does. */
export class SeatWatcher implements Disposable {
  readonly #states: HallStates;
  readonly #onUpdate: OnSeatsUpdate;
  readonly #logger: SeatCoreLogger;
  readonly #touched = new Set<number>();
  #owesSnapshot = false;
  #isTelling = false;
  #isStopped = false;
  #mayTellAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(states: HallStates, onUpdate: OnSeatsUpdate, logger: SeatCoreLogger) {
    this.#states = states;
    this.#onUpdate = onUpdate;
    this.#logger = logger;
  }

  /** A seat has changed. */
  touch(index: number): void {
    this.#touched.add(index);
    this.#schedule();
  }

  /** Something was missed: the next update is a snapshot. */
  reset(): void {
    this.#owesSnapshot = true;
    this.#schedule();
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** The first change after a quiet time is told at once. */
  #schedule(): void {
    if (this.#timer !== undefined || this.#isTelling || this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#tell(), Math.max(0, this.#mayTellAt - performance.now()));
    this.#timer.unref();
  }

  async #tell(): Promise<void> {
    this.#timer = undefined;
    this.#isTelling = true;
    const startedAt = performance.now();
    const update = this.#takeUpdate();
    try {
      await this.#onUpdate(update);
    } catch (err) {
      this.#logger.warn({ err }, 'a watcher of seats failed');
    }
    const tookMs = performance.now() - startedAt;
    this.#mayTellAt = startedAt + Math.max(tickMs, tookMs * (1 + restsPerUpdate));
    this.#isTelling = false;
    if (this.#touched.size > 0 || this.#owesSnapshot) this.#schedule();
  }

  #takeUpdate(): SeatsUpdate {
    const update: SeatsUpdate = this.#owesSnapshot
      ? takeSnapshot(this.#states)
      : { type: 'changes', seats: this.#states.seatsAt(this.#touched) };
    this.#owesSnapshot = false;
    this.#touched.clear();
    return update;
  }
}

export function takeSnapshot(states: HallStates): SeatsSnapshot {
  return { type: 'snapshot', version: states.version, seats: states.notAvailable() };
}
