import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SeatCore } from '@ticketing/seat-core';
import { HttpError, type HttpService } from '@ticketing/service-kit';
import type { Socket } from 'node:net';
import type { Registry } from 'prom-client';
import type { WebSocket } from 'ws';
import { createLiveMetrics, type LiveMetrics } from './live-metrics.ts';
import { LiveRoom } from './live-room.ts';
import { LiveViewer, type DropReason } from './live-viewer.ts';
import { SendLanes } from './send-lanes.ts';
import { SendTurns } from './send-turns.ts';

export interface LiveRoomsOptions {
  readonly core: SeatCore;
  readonly registry: Registry;
  readonly logger: Pick<HttpService['log'], 'warn'>;
  /** LIVE_SOCKETS_MAX */
  readonly maxSockets: number;
  /** LIVE_SOCKETS_PER_ADDRESS; 0 is no limit of its own. */
  readonly maxSocketsPerAddress: number;
  /** How often a sign of life is asked for; by default often enough for balancers, which cut what is silent for a minute. */
  readonly pingEveryMs?: number;
  /** How long a connection may take to read a snapshot; by default a minute. */
  readonly mayBeBehindMs?: number;
  /** How many snapshots are on their way at a time, and share what the line bears; by default 64. */
  readonly snapshotsAtOnce?: number;
}

/** A place that was granted to a connection before it became a WebSocket. */
export interface LivePlace {
  readonly follow: (socket: WebSocket, line: Socket) => void;
  /** Must be called when the connection is gone, once. */
  readonly leave: () => void;
}

const pingsPerTurn = 500;

interface OpenRoom {
  readonly opening: Promise<LiveRoom>;
  places: number;
}

/** The live feeds of this process: one room per event that somebody follows, and how many may. */
export class LiveRooms {
  readonly #options: LiveRoomsOptions;
  readonly #metrics: LiveMetrics;
  readonly #rooms = new Map<string, OpenRoom>();
  readonly #byAddress = new Map<string, number>();
  readonly #viewers = new Set<LiveViewer>();
  readonly #turns = new SendTurns();
  readonly #lanes: SendLanes;
  readonly #pinging: NodeJS.Timeout;
  #places = 0;
  #isClosed = false;

  constructor(options: LiveRoomsOptions) {
    this.#options = options;
    this.#lanes = new SendLanes(options.snapshotsAtOnce ?? 64);
    this.#metrics = createLiveMetrics(options.registry);
    const { pingEveryMs = 15_000 } = options;
    this.#pinging = setInterval(() => void this.#pingAll(), pingEveryMs).unref();
  }

  /**
   * Grants a place in the room of an event, and opens the room if nobody is there.
   *
   * @throws EVENT_NOT_FOUND; OVERLOADED when this process has no place left, RATE_LIMITED when the address has not
   */
  async admit(eventId: string, address: string): Promise<LivePlace> {
    const { maxSockets, maxSocketsPerAddress } = this.#options;
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (this.#isClosed || this.#places >= maxSockets) throw new HttpError('OVERLOADED');
    if (maxSocketsPerAddress > 0 && ofAddress >= maxSocketsPerAddress) throw new HttpError('RATE_LIMITED');
    this.#places += 1;
    this.#byAddress.set(address, ofAddress + 1);
    const open = this.#enter(eventId.toLowerCase());
    const giveBack = () => {
      this.#places -= 1;
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#byAddress.delete(address);
      else this.#byAddress.set(address, left);
      this.#leave(eventId.toLowerCase(), open);
    };
    try {
      return this.#placeIn(await open.opening, giveBack);
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /** Says goodbye to everybody, and lets nobody in any more. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#pinging);
    for (const viewer of this.#viewers) viewer.close();
  }

  #placeIn(room: LiveRoom, giveBack: () => void): LivePlace {
    let viewer: LiveViewer | undefined;
    return {
      follow: (socket, line) => {
        const { mayBeBehindMs = 60_000 } = this.#options;
        const onDrop = (reason: DropReason, err?: unknown) => this.#noteDrop(reason, err);
        viewer = new LiveViewer(socket, line, { onDrop, mayBeBehindMs });
        this.#viewers.add(viewer);
        this.#metrics.sockets.set(this.#viewers.size);
        // Its place may have been granted before all were told to go.
        if (this.#isClosed) viewer.close();
        else room.add(viewer);
      },
      leave: () => {
        if (viewer !== undefined) {
          room.remove(viewer);
          this.#viewers.delete(viewer);
          this.#metrics.sockets.set(this.#viewers.size);
        }
        giveBack();
      },
    };
  }

  #enter(eventId: string): OpenRoom {
    let open = this.#rooms.get(eventId);
    if (open === undefined) {
      open = { opening: this.#openRoom(eventId), places: 0 };
      this.#rooms.set(eventId, open);
    }
    open.places += 1;
    return open;
  }

  #openRoom(eventId: string): Promise<LiveRoom> {
    const { core } = this.#options;
    return LiveRoom.open({ core, eventId, metrics: this.#metrics, turns: this.#turns, lanes: this.#lanes });
  }

  #leave(eventId: string, open: OpenRoom): void {
    open.places -= 1;
    if (open.places > 0) return;
    this.#rooms.delete(eventId);
    // One that could not be opened has nothing to close.
    open.opening.then((room) => room[Symbol.dispose]()).catch(() => undefined);
  }

  #noteDrop(reason: DropReason, err: unknown): void {
    this.#metrics.dropped.inc({ reason });
    if (reason === 'broken') this.#options.logger.warn({ err }, 'a live connection was given up');
  }

  async #pingAll(): Promise<void> {
    let asked = 0;
    for (const viewer of Array.from(this.#viewers)) {
      viewer.ping();
      asked += 1;
      if (asked % pingsPerTurn === 0) await nextTurn();
    }
  }
}
