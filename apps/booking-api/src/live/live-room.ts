import type { SeatCore, SeatsUpdate, SeatWatch, WatchedSeat } from '@ticketing/seat-core';
import type { LiveMetrics } from './live-metrics.ts';
import { LiveMessage } from './live-message.ts';
import type { LiveViewer } from './live-viewer.ts';
import { RoomSnapshot } from './room-snapshot.ts';
import type { SendLanes } from './send-lanes.ts';
import type { SendTurns } from './send-turns.ts';

export interface LiveRoomOptions {
  readonly core: SeatCore;
  readonly eventId: string;
  readonly metrics: LiveMetrics;
  /** Shared by all rooms, as the line is. */
  readonly turns: SendTurns;
  readonly lanes: SendLanes;
}

/** All connections of this process that follow one event. */
export class LiveRoom implements Disposable {
  readonly #options: LiveRoomOptions;
  /** Those who need a snapshot, and wait for a lane: the first one, or another since something was missed. */
  readonly #arrivals = new Set<LiveViewer>();
  /** Those to whom one is on its way. What changes meanwhile they are told in one message after it. */
  readonly #underWay = new Map<LiveViewer, RoomSnapshot>();
  /** Those who know all there is, and are told each change. */
  readonly #viewers = new Set<LiveViewer>();
  #isWelcoming = false;
  #watch!: SeatWatch;
  #snapshot: RoomSnapshot | undefined;

  private constructor(options: LiveRoomOptions) {
    this.#options = options;
  }

  /** @throws EVENT_NOT_FOUND */
  static async open(options: LiveRoomOptions): Promise<LiveRoom> {
    const room = new LiveRoom(options);
    const { core, eventId } = options;
    room.#watch = await core.watchSeats({ eventId, onUpdate: (update) => room.#tell(update) });
    return room;
  }

  add(viewer: LiveViewer): void {
    this.#arrivals.add(viewer);
    void this.#welcome();
  }

  remove(viewer: LiveViewer): void {
    this.#arrivals.delete(viewer);
    this.#underWay.delete(viewer);
    this.#viewers.delete(viewer);
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  async #tell(update: SeatsUpdate): Promise<void> {
    if (update.type === 'snapshot') this.#beginAnew(new RoomSnapshot(update));
    else await this.#tellChanges(update.seats);
  }

  /** The next changes wait until these are with everybody. */
  async #tellChanges(seats: readonly WatchedSeat[]): Promise<void> {
    const { metrics, turns } = this.#options;
    const endTimer = metrics.updateDuration.startTimer();
    // Whoever is welcomed from here on, or has been sent a snapshot only, is told of these by that.
    for (const snapshot of this.#snapshotsInUse()) snapshot.note(seats);
    const message = new LiveMessage({ type: 'changes', seats });
    for (const viewer of Array.from(this.#viewers)) {
      const turn = turns.take(message.bytes);
      if (turn !== undefined) await turn;
      viewer.send(message);
    }
    endTimer();
  }

  /** What everybody was told is void. */
  #beginAnew(snapshot: RoomSnapshot): void {
    for (const former of this.#snapshotsInUse()) former.isVoid = true;
    this.#snapshot = snapshot;
    for (const viewer of this.#viewers) this.#arrivals.add(viewer);
    this.#viewers.clear();
    void this.#welcome();
  }

  async #welcome(): Promise<void> {
    if (this.#isWelcoming) return;
    this.#isWelcoming = true;
    while (this.#arrivals.size > 0) {
      const leaveLane = await this.#options.lanes.enter();
      const [viewer] = this.#arrivals;
      if (viewer === undefined) leaveLane();
      else void this.#show(viewer, leaveLane);
    }
    this.#isWelcoming = false;
  }

  /** Never throws: whoever waits behind this one is welcomed all the same. */
  async #show(viewer: LiveViewer, leaveLane: () => void): Promise<void> {
    this.#arrivals.delete(viewer);
    try {
      const snapshot = this.#currentSnapshot();
      this.#underWay.set(viewer, snapshot);
      await viewer.show(snapshot.message, this.#options.turns, leaveLane);
      // It may have gone meanwhile.
      if (this.#underWay.delete(viewer)) this.#catchUp(viewer, snapshot);
    } catch (err) {
      viewer.fail(err);
    } finally {
      leaveLane();
    }
  }

  #catchUp(viewer: LiveViewer, snapshot: RoomSnapshot): void {
    if (snapshot.isVoid) {
      this.add(viewer);
      return;
    }
    this.#viewers.add(viewer);
    const changes = snapshot.changes();
    if (changes !== undefined) viewer.send(changes);
  }

  #currentSnapshot(): RoomSnapshot {
    if (this.#snapshot === undefined || this.#snapshot.isWorn)
      this.#snapshot = new RoomSnapshot(this.#watch.snapshot());
    return this.#snapshot;
  }

  #snapshotsInUse(): Set<RoomSnapshot> {
    const inUse = new Set(this.#underWay.values());
    if (this.#snapshot !== undefined) inUse.add(this.#snapshot);
    return inUse;
  }
}
