import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SeatCore } from '@ticketing/seat-core';
import { HttpError, type HttpService } from '@ticketing/service-kit';
import type { Registry } from 'prom-client';
import { EventClients } from './event-clients.ts';
import type { LiveClient, LiveClientOptions } from './live-client.ts';
import { createLiveMetrics, type LiveMetrics } from './live-metrics.ts';
import { SendTurns, SnapshotLanes, UnsentBytes } from './send-pacing.ts';

export interface LiveClientsOptions {
  readonly core: SeatCore;
  readonly registry: Registry;
  readonly logger: Pick<HttpService['log'], 'warn'>;
  /** LIVE_SOCKETS_MAX: clients of this process. */
  readonly maxSockets: number;
  /** LIVE_SOCKETS_PER_ADDRESS: clients of one address; 0 means no limit. */
  readonly maxSocketsPerAddress: number;
  /** Milliseconds between pings. Default 15,000, because load balancers cut a connection that is silent for a minute. */
  readonly pingEveryMs?: number;
  /** How long a client may take to read a snapshot. Default a minute. */
  readonly maxLagMs?: number;
  /** How many snapshots are sent at a time, and share the bandwidth. Default 64. */
  readonly snapshotsAtOnce?: number;
  /** Bytes that may lie unsent for all clients together. Default a sixteenth of the heap's limit. */
  readonly maxUnsentBytes?: number;
}

/** A place that was granted to a connection before its upgrade to a WebSocket. */
export interface LivePlace {
  /** The upgrade is done: the client is sent a snapshot, and then each change. */
  readonly follow: (client: LiveClient) => void;
  /** Call it once, when the connection is gone. */
  readonly leave: () => void;
}

const pingsPerTurn = 500;

interface OpenEvent {
  readonly opening: Promise<EventClients>;
  places: number;
}

/** All clients of the live feed in this process: how many there may be, and one subscription per event that they follow. */
export class LiveClients {
  readonly clientOptions: LiveClientOptions;
  readonly #options: LiveClientsOptions;
  readonly #metrics: LiveMetrics;
  readonly #events = new Map<string, OpenEvent>();
  readonly #placesByAddress = new Map<string, number>();
  readonly #clients = new Set<LiveClient>();
  readonly #turns = new SendTurns();
  readonly #lanes: SnapshotLanes;
  readonly #pinging: NodeJS.Timeout;
  #places = 0;
  #isClosed = false;

  constructor(options: LiveClientsOptions) {
    const { registry, logger, pingEveryMs = 15_000, maxLagMs = 60_000, snapshotsAtOnce = 64 } = options;
    this.#options = options;
    const unsent = new UnsentBytes(options.maxUnsentBytes);
    this.#metrics = createLiveMetrics(registry, unsent);
    this.#lanes = new SnapshotLanes(snapshotsAtOnce);
    this.#pinging = setInterval(() => void this.#pingAll(), pingEveryMs).unref();
    this.clientOptions = {
      maxLagMs,
      unsent,
      onDrop: (reason, err) => {
        this.#metrics.dropped.inc({ reason });
        if (reason === 'broken') logger.warn({ err }, 'live client dropped: sending failed');
      },
    };
  }

  /**
   * Grants a place among the clients of an event, and subscribes to the event for the first of them.
   *
   * @throws EVENT_NOT_FOUND; OVERLOADED when this process has no place left; RATE_LIMITED when the address has none
   */
  async admit(eventId: string, address: string): Promise<LivePlace> {
    const { maxSockets, maxSocketsPerAddress } = this.#options;
    const ofAddress = this.#placesByAddress.get(address) ?? 0;
    if (this.#isClosed || this.#places >= maxSockets) throw new HttpError('OVERLOADED');
    if (maxSocketsPerAddress > 0 && ofAddress >= maxSocketsPerAddress) throw new HttpError('RATE_LIMITED');
    this.#places += 1;
    this.#placesByAddress.set(address, ofAddress + 1);
    const event = this.#enterEvent(eventId.toLowerCase());
    const giveBack = () => {
      this.#places -= 1;
      const left = (this.#placesByAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#placesByAddress.delete(address);
      else this.#placesByAddress.set(address, left);
      this.#leaveEvent(eventId.toLowerCase(), event);
    };
    try {
      return this.#placeAmong(await event.opening, giveBack);
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /** Tells every client to connect elsewhere, and admits no more. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#pinging);
    for (const client of this.#clients) client.close();
  }

  #placeAmong(eventClients: EventClients, giveBack: () => void): LivePlace {
    let client: LiveClient | undefined;
    return {
      follow: (connected) => {
        client = connected;
        this.#clients.add(client);
        this.#metrics.sockets.set(this.#clients.size);
        // The place may have been granted before close().
        if (this.#isClosed) client.close();
        else eventClients.add(client);
      },
      leave: () => {
        if (client !== undefined) {
          eventClients.remove(client);
          this.#clients.delete(client);
          this.#metrics.sockets.set(this.#clients.size);
        }
        giveBack();
      },
    };
  }

  #enterEvent(eventId: string): OpenEvent {
    let event = this.#events.get(eventId);
    if (event === undefined) {
      const opening = EventClients.open({
        core: this.#options.core,
        eventId,
        metrics: this.#metrics,
        turns: this.#turns,
        lanes: this.#lanes,
      });
      event = { opening, places: 0 };
      this.#events.set(eventId, event);
    }
    event.places += 1;
    return event;
  }

  #leaveEvent(eventId: string, event: OpenEvent): void {
    event.places -= 1;
    if (event.places > 0) return;
    this.#events.delete(eventId);
    // A subscription that could not be opened needs no closing.
    event.opening.then((eventClients) => eventClients.close()).catch(() => undefined);
  }

  async #pingAll(): Promise<void> {
    let pinged = 0;
    for (const client of Array.from(this.#clients)) {
      client.ping();
      pinged += 1;
      if (pinged % pingsPerTurn === 0) await nextTurn();
    }
  }
}
