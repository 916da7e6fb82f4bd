import type { SeatCore, SeatsUpdate, SeatStatus, SeatWatch } from '@ticketing/seat-core';
import type { LiveMetrics } from './live-metrics.ts';
import { LiveMessage } from './live-message.ts';
import type { LiveViewer } from './live-viewer.ts';
import { SendTurns } from './send-turns.ts';

/**
 * Whoever comes is sent the snapshot that the one before was sent, and what changed since: a new one is made when that is
 * more than so many seats, and than this share of it.
 */
const changesPerSnapshot = 50;
const changedSharePerSnapshot = 0.05;

/** All connections of this process that follow one event. */
export class LiveRoom implements Disposable {
  readonly #metrics: LiveMetrics;
  readonly #viewers = new Set<LiveViewer>();
  /** Those who were not sent anything yet. */
  readonly #arrivals = new Set<LiveViewer>();
  #isWelcoming = false;
  #watch!: SeatWatch;
  #snapshot: LiveMessage | undefined;
  readonly #changedSince = new Map<string, SeatStatus>();
  #changes: LiveMessage | undefined;

  private constructor(metrics: LiveMetrics) {
    this.#metrics = metrics;
  }

  /** @throws EVENT_NOT_FOUND */
  static async open(core: SeatCore, eventId: string, metrics: LiveMetrics): Promise<LiveRoom> {
    const room = new LiveRoom(metrics);
    room.#watch = await core.watchSeats({ eventId, onUpdate: (update) => room.#tell(update) });
    return room;
  }

  add(viewer: LiveViewer): void {
    this.#arrivals.add(viewer);
    if (!this.#isWelcoming) void this.#welcome();
  }

  remove(viewer: LiveViewer): void {
    this.#arrivals.delete(viewer);
    this.#viewers.delete(viewer);
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  /** The next update waits until this one is with everybody. */
  async #tell(update: SeatsUpdate): Promise<void> {
    const endTimer = this.#metrics.updateDuration.startTimer();
    const message = new LiveMessage(update);
    if (update.type === 'snapshot') this.#keepSnapshot(message);
    else for (const { id, status } of update.seats) this.#changedSince.set(id, status);
    this.#changes = undefined;
    // Whoever is welcomed from here on is sent all of this.
    const turns = new SendTurns();
    for (const viewer of Array.from(this.#viewers)) {
      viewer.send(message);
      await turns.sent(message);
    }
    endTimer();
  }

  async #welcome(): Promise<void> {
    this.#isWelcoming = true;
    const turns = new SendTurns();
    for (const viewer of this.#arrivals) {
      const snapshot = this.#currentSnapshot();
      viewer.send(snapshot);
      if (this.#changedSince.size > 0) viewer.send((this.#changes ??= this.#changesSinceSnapshot()));
      this.#arrivals.delete(viewer);
      this.#viewers.add(viewer);
      await turns.sent(snapshot);
    }
    this.#isWelcoming = false;
  }

  #currentSnapshot(): LiveMessage {
    const seats = this.#snapshot?.seats ?? 0;
    const bearableChanges = Math.max(changesPerSnapshot, seats * changedSharePerSnapshot);
    if (this.#snapshot !== undefined && this.#changedSince.size <= bearableChanges) return this.#snapshot;
    return this.#keepSnapshot(new LiveMessage(this.#watch.snapshot()));
  }

  #keepSnapshot(snapshot: LiveMessage): LiveMessage {
    this.#snapshot = snapshot;
    this.#changedSince.clear();
    this.#changes = undefined;
    return snapshot;
  }

  #changesSinceSnapshot(): LiveMessage {
    const seats = Array.from(this.#changedSince, ([id, status]) => ({ id, status }));
    return new LiveMessage({ type: 'changes', seats });
  }
}
