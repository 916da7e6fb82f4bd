import type { SeatsSnapshot, SeatStatus, WatchedSeat } from '@ticketing/seat-core';
import { LiveMessage } from './live-message.ts';

/** Whoever comes is sent an older snapshot, and what changed since, up to so many seats or this share of it. */
const bearableChanges = 50;
const bearableShare = 0.05;

/** A snapshot that is made once for many connections, and what changed since. */
export class RoomSnapshot {
  readonly message: LiveMessage;
  /** Something was missed: who has it needs another one. */
  isVoid = false;
  readonly #bearable: number;
  readonly #changedSince = new Map<string, SeatStatus>();
  #changes: LiveMessage | undefined;

  constructor(snapshot: SeatsSnapshot) {
    this.message = new LiveMessage(snapshot);
    this.#bearable = Math.max(bearableChanges, snapshot.seats.length * bearableShare);
  }

  /** Whether so much has changed that a new one is the shorter message. */
  get isWorn(): boolean {
    return this.#changedSince.size > this.#bearable;
  }

  note(seats: readonly WatchedSeat[]): void {
    for (const { id, status } of seats) this.#changedSince.set(id, status);
    this.#changes = undefined;
  }

  /** @returns undefined when nothing has changed */
  changes(): LiveMessage | undefined {
    if (this.#changedSince.size === 0) return undefined;
    return (this.#changes ??= this.#changesMessage());
  }

  #changesMessage(): LiveMessage {
    const seats = Array.from(this.#changedSince, ([id, status]) => ({ id, status }));
    return new LiveMessage({ type: 'changes', seats });
  }
}
