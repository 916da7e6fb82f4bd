import {
  createRedisCounter,
  type CountedKey,
  type CounterRedis,
  type RedisCounter,
} from './redis-counter.ts';
import { createCounterCircuit, type CounterCircuit } from './counter-circuit.ts';
import type { Logger } from 'pino';

/** A request that was counted. */
export interface Counted {
  /** The requests of the key in its window, with this one, as far as this process knows. */
  readonly count: number;
  readonly window: KeyWindow;
}

/** The window of a key: it begins with the first request. */
export interface KeyWindow {
  readonly key: string;
  /** By `performance.now()`; the end that Redis knows, once it was asked. */
  endsAt: number;
  /** The requests of all processes, as Redis told last. */
  total: number;
  /** Requests of this process that Redis was told of, without its reply so far. */
  sent: number;
  /** Requests of this process that Redis does not know. */
  unsent: number;
  /** False beyond the keys that a process remembers: such a window counts one request. */
  isKept: boolean;
}

export interface SharedCounterOptions {
  /** The keys are `<prefix>limit:<name>:<key>`. */
  readonly name: string;
  readonly max: number;
  readonly windowMs: number;
  /** Without it this process counts alone. */
  readonly redis: CounterRedis | undefined;
  readonly keyPrefix: string;
  readonly logger: Logger;
}

/** A process remembers this many keys; the requests of further ones wait for Redis. */
const maxKeys = 20_000;
/** How long the other processes may not know of a request. */
const flushMs = 50;
/** Of one flush: more would hold Redis and this process up. */
const maxKeysPerFlush = 500;
/** The time of a circuit that is open, until a flush tries again. */
const pauseMs = 1_000;

/** Whole seconds until the window ends, at least one. */
export function waitSecondsOf({ endsAt }: KeyWindow): number {
  return Math.max(1, Math.ceil((endsAt - performance.now()) / 1_000));
}

/**
 * Counts requests by key in windows of time, over all processes. A process counts by itself and tells Redis in the
 * background; only a key that has used half of its allowance waits for Redis. So n processes admit n × max / 2 too many at
 * most. While Redis is down each process counts alone, from what it knows, and no request waits.
 */
export class SharedCounter {
  /** The requests of a key that this process admits without asking the others. */
  readonly #alone: number;
  readonly #windowMs: number;
  readonly #redis: RedisCounter | undefined;
  readonly #circuit: CounterCircuit;
  /** In the order of their beginnings. */
  #windows = new Map<string, KeyWindow>();
  /** The windows that began before `#windows` was begun: after the time of one window they have all ended. */
  #earlier = new Map<string, KeyWindow>();
  #begunAt = -Infinity;
  /** Those with unsent requests, or requests given back. */
  readonly #unsent = new Set<KeyWindow>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #isClosed = false;

  constructor({ name, max, windowMs, redis, keyPrefix, logger }: SharedCounterOptions) {
    this.#alone = redis === undefined ? Infinity : Math.floor(max / 2);
    this.#windowMs = windowMs;
    this.#redis = redis && createRedisCounter(redis, `${keyPrefix}limit:${name}:`);
    this.#circuit = createCounterCircuit(name, { logger, pauseMs });
  }

  /** @returns a promise only when Redis has to be asked */
  add(key: string): Counted | Promise<Counted> {
    const window = this.#windowOf(key);
    window.unsent += 1;
    const count = window.total + window.sent + window.unsent;
    if (count > this.#alone || !window.isKept) return this.#ask(window, count);
    this.#tellLater(window);
    return { count, window };
  }

  /** Takes a request back, unless its window has ended. */
  giveBack({ window }: Counted): void {
    if (window.endsAt <= performance.now()) return;
    window.unsent -= 1;
    this.#tellLater(window);
  }

  /** Tells Redis what it does not know yet. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#flushing;
    while (this.#unsent.size > 0 && !this.#circuit.isOpen()) await this.#flush();
  }

  #windowOf(key: string): KeyWindow {
    const now = performance.now();
    if (now - this.#begunAt > this.#windowMs) {
      this.#earlier = this.#windows;
      this.#windows = new Map();
      this.#begunAt = now;
    }
    const known = this.#windows.get(key) ?? this.#earlier.get(key);
    if (known !== undefined && known.endsAt > now) return known;
    for (const windows of [this.#earlier, this.#windows]) windows.delete(key);
    const isFull = () => this.#earlier.size + this.#windows.size >= maxKeys;
    if (isFull()) this.#forgetEnded(now);
    if (isFull() && (this.#redis === undefined || this.#circuit.isOpen())) {
      // No other process can count it: the key whose window began first will be counted from zero.
      const oldest = this.#earlier.size > 0 ? this.#earlier : this.#windows;
      oldest.delete(oldest.keys().next().value!);
    }
    const isKept = !isFull();
    const window = { key, endsAt: now + this.#windowMs, total: 0, sent: 0, unsent: 0, isKept };
    if (isKept) this.#windows.set(key, window);
    return window;
  }

  #forgetEnded(now: number): void {
    for (const windows of [this.#earlier, this.#windows]) {
      for (const [key, { endsAt }] of windows) {
        if (endsAt > now) break;
        windows.delete(key);
      }
    }
  }

  /** @param alone the count as this process knows it, for when Redis does not answer */
  async #ask(window: KeyWindow, alone: number): Promise<Counted> {
    try {
      const [counted] = await this.#circuit.run(() => this.#send([window]));
      return { count: counted!.count, window };
    } catch {
      this.#tellLater(window);
      return { count: alone, window };
    }
  }

  /** Tells Redis of the unsent requests. Once only: after an error Redis may have counted them. */
  async #send(windows: readonly KeyWindow[]): Promise<readonly CountedKey[]> {
    const now = performance.now();
    const steps = windows.map((window) => {
      const step = window.unsent;
      window.unsent = 0;
      window.sent += step;
      this.#unsent.delete(window);
      return { key: window.key, leftMs: Math.max(1, Math.ceil(window.endsAt - now)), step };
    });
    try {
      const counted = await this.#redis!.add(steps);
      for (const [index, { count, remainingMs }] of counted.entries()) {
        windows[index]!.total = count;
        windows[index]!.endsAt = performance.now() + remainingMs;
      }
      return counted;
    } catch (error) {
      for (const [index, { step }] of steps.entries()) windows[index]!.total += step;
      throw error;
    } finally {
      for (const [index, { step }] of steps.entries()) windows[index]!.sent -= step;
    }
  }

  #tellLater(window: KeyWindow): void {
    if (this.#redis === undefined) return;
    if (window.unsent === 0) this.#unsent.delete(window);
    else this.#unsent.add(window);
    this.#flushIn(flushMs);
  }

  #flushIn(ms: number): void {
    if (this.#timer !== undefined || this.#flushing !== undefined || this.#isClosed) return;
    if (this.#unsent.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#flush();
    }, ms).unref();
  }

  async #flush(): Promise<void> {
    this.#flushing = this.#tell();
    await this.#flushing;
    this.#flushing = undefined;
    this.#flushIn(this.#circuit.isOpen() ? pauseMs : flushMs);
  }

  async #tell(): Promise<void> {
    const now = performance.now();
    const windows: KeyWindow[] = [];
    for (const window of this.#unsent) {
      if (windows.length === maxKeysPerFlush) break;
      if (window.endsAt > now) windows.push(window);
      // What was counted in a window that has ended concerns nothing any more.
      else this.#unsent.delete(window);
    }
    if (windows.length === 0) return;
    await this.#circuit.run(() => this.#send(windows)).catch(() => []);
  }
}
