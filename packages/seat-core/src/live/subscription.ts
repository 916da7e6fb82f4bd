import type { SeatCoreError } from '../errors.ts';
import type { SeatCoreLogger } from '../options.ts';
import type { SeatStates } from '../states/seat-states.ts';
import type { SeatStatus } from '../types.ts';

export interface SeatIdAndStatus {
  readonly id: string;
  readonly status: SeatStatus;
}

/** Every seat that is not AVAILABLE. It replaces all earlier messages. */
export interface SeatSnapshot {
  readonly type: 'snapshot';
  /** The sum of the seats' versions: it rises with every change. */
  readonly version: number;
  readonly seats: readonly SeatIdAndStatus[];
}

/** The seats that changed since the previous message, each once, with its present status. */
export interface SeatDelta {
  readonly type: 'delta';
  readonly seats: readonly SeatIdAndStatus[];
}

export type SeatMessage = SeatSnapshot | SeatDelta;

/** While a promise that it returned is pending it is not called again, and changes gather for the next delta. */
export type OnSeatMessage = (message: SeatMessage) => void | Promise<void>;

export interface SeatSubscription extends Disposable {
  /** The present state. Messages that follow continue from it; a delta may repeat some of it. */
  snapshot(): SeatSnapshot;
  /** Ends the messages. */
  close(): void;
}

export interface SubscriptionOptions {
  readonly onMessage: OnSeatMessage;
  /** Called once when the event no longer exists. */
  readonly onEnd: ((error: SeatCoreError) => void) | undefined;
  readonly onClose: () => void;
  readonly logger: SeatCoreLogger;
}

const sendEveryMs = 100;
/** After a message the subscription pauses for a quarter of the time that `onMessage` took. */
const pausePerMessage = 0.25;

/**
 * One subscriber of a feed. Its states:
 *
 *   idle ── change ──▶ due ── timer ──▶ sending ── `onMessage` is done ──▶ idle, or due when changes came meanwhile
 *
 * `close` ends it from every state. The first change after an idle time is sent at once, later ones every 100 ms.
 * Its next message is a delta, or a snapshot after `requireSnapshot`.
 */
export class FeedSubscription implements SeatSubscription {
  readonly #states: SeatStates;
  readonly #options: SubscriptionOptions;
  readonly #changed = new Set<number>();
  #needsSnapshot = false;
  #isSending = false;
  #isClosed = false;
  #nextSendAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(states: SeatStates, options: SubscriptionOptions) {
    this.#states = states;
    this.#options = options;
  }

  snapshot(): SeatSnapshot {
    return { type: 'snapshot', version: this.#states.version, seats: this.#states.notAvailable() };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#options.onClose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The event no longer exists. */
  end(error: SeatCoreError): void {
    if (this.#isClosed) return;
    this.close();
    try {
      this.#options.onEnd?.(error);
    } catch (err) {
      this.#options.logger.warn({ err }, 'onEnd of a seat subscription failed');
    }
  }

  /** The seat at this index changed. */
  addChange(index: number): void {
    this.#changed.add(index);
    this.#schedule();
  }

  /** The feed missed changes or corrected states: the next message is a snapshot. */
  requireSnapshot(): void {
    this.#needsSnapshot = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isSending || this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#send(), Math.max(0, this.#nextSendAt - performance.now()));
    this.#timer.unref();
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    this.#isSending = true;
    const startedAt = performance.now();
    try {
      await this.#options.onMessage(this.#takeMessage());
    } catch (err) {
      this.#options.logger.warn({ err }, 'onMessage of a seat subscription failed');
    }
    const tookMs = performance.now() - startedAt;
    this.#nextSendAt = startedAt + Math.max(sendEveryMs, tookMs * (1 + pausePerMessage));
    this.#isSending = false;
    if (this.#changed.size > 0 || this.#needsSnapshot) this.#schedule();
  }

  #takeMessage(): SeatMessage {
    const message: SeatMessage = this.#needsSnapshot
      ? this.snapshot()
      : { type: 'delta', seats: this.#states.seatsAt(this.#changed) };
    this.#needsSnapshot = false;
    this.#changed.clear();
    return message;
  }
}
