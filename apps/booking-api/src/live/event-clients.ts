import {
  SeatCoreError,
  type SeatCore,
  type SeatMessage,
  type SeatStatus,
  type SeatSubscription,
} from '@ticketing/seat-core';
import type { LiveClient } from './live-client.ts';
import { LiveMessage } from './live-message.ts';
import type { LiveMetrics } from './live-metrics.ts';
import type { SendTurns, SnapshotLanes } from './send-pacing.ts';

type SeatSnapshot = Extract<SeatMessage, { type: 'snapshot' }>;
type SeatDelta = Extract<SeatMessage, { type: 'delta' }>;

export interface EventClientsOptions {
  readonly core: SeatCore;
  readonly eventId: string;
  readonly metrics: LiveMetrics;
  /** Shared by all events, as the line is. */
  readonly turns: SendTurns;
  readonly lanes: SnapshotLanes;
}

/**
 * The clients of this process that follow one event, and the subscription that they share. The three sets are states
 * of a client, which are described in live-client.ts.
 */
export class EventClients {
  readonly #options: EventClientsOptions;
  readonly #waiting = new Set<LiveClient>();
  /** With the snapshot that is on its way. */
  readonly #receiving = new Map<LiveClient, SharedSnapshot>();
  readonly #following = new Set<LiveClient>();
  #isSendingSnapshots = false;
  #isEnded = false;
  #subscription!: SeatSubscription;
  #snapshot: SharedSnapshot | undefined;
  /** Those that count in the memory of seats: the last one, and older ones that are on their way. */
  readonly #kept = new Set<SharedSnapshot>();

  private constructor(options: EventClientsOptions) {
    this.#options = options;
  }

  /** @throws EVENT_NOT_FOUND */
  static async open(options: EventClientsOptions): Promise<EventClients> {
    const clients = new EventClients(options);
    const { core, eventId } = options;
    clients.#subscription = await core.subscribeToSeats({
      eventId,
      onMessage: (message) => clients.#send(message),
      onEnd: () => clients.#end(),
    });
    return clients;
  }

  add(client: LiveClient): void {
    if (this.#isEnded) return client.end();
    this.#waiting.add(client);
    void this.#sendSnapshots();
  }

  remove(client: LiveClient): void {
    this.#waiting.delete(client);
    this.#receiving.delete(client);
    this.#following.delete(client);
    this.#freeUnused();
  }

  close(): void {
    this.#snapshot = undefined;
    this.#freeUnused();
    this.#subscription.close();
  }

  /** The event no longer exists. */
  #end(): void {
    this.#isEnded = true;
    for (const client of [...this.#waiting, ...this.#receiving.keys(), ...this.#following]) client.end();
  }

  async #send(message: SeatMessage): Promise<void> {
    if (message.type === 'snapshot') this.#restart();
    else await this.#sendDelta(message);
  }

  /** The subscription gathers further changes until this delta is with all following clients. */
  async #sendDelta(delta: SeatDelta): Promise<void> {
    const { metrics, turns } = this.#options;
    const endTimer = metrics.updateDuration.startTimer();
    // Waiting and receiving clients get these changes together with their snapshot.
    for (const snapshot of this.#snapshotsInUse()) snapshot.addChanges(delta);
    const message = new LiveMessage(delta);
    for (const client of Array.from(this.#following)) {
      const turn = turns.take(message.bytes);
      if (turn !== undefined) await turn;
      client.send(message);
    }
    endTimer();
  }

  /** Changes were missed: everything that clients were sent is void. */
  #restart(): void {
    for (const former of this.#snapshotsInUse()) former.isVoid = true;
    this.#snapshot = undefined;
    for (const client of this.#following) this.#waiting.add(client);
    this.#following.clear();
    void this.#sendSnapshots();
  }

  async #sendSnapshots(): Promise<void> {
    if (this.#isSendingSnapshots) return;
    this.#isSendingSnapshots = true;
    while (this.#waiting.size > 0) {
      const leaveLane = await this.#options.lanes.enter();
      const [client] = this.#waiting;
      if (client === undefined) leaveLane();
      else void this.#sendSnapshot(client, leaveLane);
    }
    this.#isSendingSnapshots = false;
  }

  /** Never throws: clients that wait behind this one get their snapshot all the same. */
  async #sendSnapshot(client: LiveClient, leaveLane: () => void): Promise<void> {
    this.#waiting.delete(client);
    try {
      const snapshot = this.#currentSnapshot();
      this.#receiving.set(client, snapshot);
      await client.sendSnapshot(snapshot.message, this.#options.turns, leaveLane);
      // False when the client left meanwhile.
      if (this.#receiving.delete(client)) this.#catchUp(client, snapshot);
    } catch (err) {
      if (err instanceof SeatCoreError && err.is('OVERLOADED')) client.refuse();
      else client.fail(err);
    } finally {
      this.#freeUnused();
      leaveLane();
    }
  }

  #catchUp(client: LiveClient, snapshot: SharedSnapshot): void {
    if (snapshot.isVoid) {
      this.add(client);
      return;
    }
    this.#following.add(client);
    const delta = snapshot.delta();
    if (delta !== undefined) client.send(delta);
  }

  /** @throws OVERLOADED */
  #currentSnapshot(): SharedSnapshot {
    if (this.#snapshot !== undefined && !this.#snapshot.isOutdated) return this.#snapshot;
    this.#snapshot = undefined;
    this.#freeUnused();
    const snapshot = new SharedSnapshot(this.#subscription.snapshot());
    while (!this.#hasRoomFor(snapshot)) this.#dropOldest();
    this.#kept.add(snapshot);
    this.#snapshot = snapshot;
    return snapshot;
  }

  /** @throws OVERLOADED when there is no room, and no older snapshot that could make some */
  #hasRoomFor(snapshot: SharedSnapshot): boolean {
    const { memory } = this.#options.core.bulk;
    try {
      memory.keep(snapshot, {
        bytes: snapshot.message.bytes + bytesPerSnapshot,
        isInUse: () => [...this.#receiving.values()].includes(snapshot),
        evict: () => {
          this.#kept.delete(snapshot);
          if (this.#snapshot === snapshot) this.#snapshot = undefined;
        },
      });
      return true;
    } catch (error) {
      if (this.#kept.size === 0) throw error;
      return false;
    }
  }

  /** Clients that still receive the oldest snapshot are slower than those that wait. */
  #dropOldest(): void {
    const [oldest] = this.#kept;
    for (const [client, snapshot] of this.#receiving) {
      if (snapshot !== oldest) continue;
      this.#receiving.delete(client);
      client.dropAsSlow();
    }
    this.#freeUnused();
  }

  #freeUnused(): void {
    const inUse = this.#snapshotsInUse();
    for (const snapshot of this.#kept) {
      if (inUse.has(snapshot)) continue;
      this.#kept.delete(snapshot);
      this.#options.core.bulk.memory.free(snapshot);
    }
  }

  #snapshotsInUse(): Set<SharedSnapshot> {
    const inUse = new Set(this.#receiving.values());
    if (this.#snapshot !== undefined) inUse.add(this.#snapshot);
    return inUse;
  }
}

/** What a snapshot costs beside its text. */
const bytesPerSnapshot = 1_024;
/** A new client gets an older snapshot and a delta, while no more than this many seats or this share of them changed since. */
const maxChanges = 50;
const maxChangedShare = 0.05;

/** A snapshot that is serialized once for many clients, and the changes since it was made. */
class SharedSnapshot {
  readonly message: LiveMessage;
  /** Changes were missed: a client that received it needs another one. */
  isVoid = false;
  readonly #maxChanges: number;
  readonly #changes = new Map<string, SeatStatus>();
  #delta: LiveMessage | undefined;

  constructor(snapshot: SeatSnapshot) {
    this.message = new LiveMessage(snapshot);
    this.#maxChanges = Math.max(maxChanges, snapshot.seats.length * maxChangedShare);
  }

  /** So much changed that a new snapshot is the shorter message. */
  get isOutdated(): boolean {
    return this.#changes.size > this.#maxChanges;
  }

  addChanges({ seats }: SeatDelta): void {
    for (const { id, status } of seats) this.#changes.set(id, status);
    this.#delta = undefined;
  }

  /** @returns undefined when nothing changed since */
  delta(): LiveMessage | undefined {
    if (this.#changes.size === 0) return undefined;
    const seats = () => Array.from(this.#changes, ([id, status]) => ({ id, status }));
    return (this.#delta ??= new LiveMessage({ type: 'delta', seats: seats() }));
  }
}
