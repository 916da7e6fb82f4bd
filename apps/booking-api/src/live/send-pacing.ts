import { setImmediate as nextTurn } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';

/** Bytes sent before other work gets a turn of the event loop: the operating system copies them at once, as far as it takes them. */
const bytesPerTurn = 2 * 1024 * 1024;
/** What a send costs beside its bytes, in bytes. */
const bytesPerSend = 4 * 1024;

/** Lets the event loop do other work between sends. All clients of the process share one budget per turn. */
export class SendTurns {
  #left = bytesPerTurn;
  #next: Promise<void> | undefined;

  /** @returns a promise to await before sending this many bytes; undefined, which costs nothing, to send now */
  take(bytes: number): Promise<void> | undefined {
    if (this.#left <= 0) return this.#takeLater(bytes);
    this.#left -= bytes + bytesPerSend;
    return undefined;
  }

  async #takeLater(bytes: number): Promise<void> {
    while (this.#left <= 0) await (this.#next ??= this.#nextTurn());
    this.#left -= bytes + bytesPerSend;
  }

  async #nextTurn(): Promise<void> {
    await nextTurn();
    this.#left = bytesPerTurn;
    this.#next = undefined;
  }
}

/** Bounds how many snapshots the process sends at a time; a client waits here for its lane, first come, first served. */
export class SnapshotLanes {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(lanes: number) {
    this.#free = lanes;
  }

  /** @returns a function that gives the lane back; calling it again does nothing */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    };
  }
}

/** Bytes that lie unsent for all clients of the process together. */
export class UnsentBytes {
  readonly #max: number;
  #total = 0;

  /** @param max by default a sixteenth of the heap's limit, 28 MB in the image */
  constructor(max = getHeapStatistics().heap_size_limit / 16) {
    this.#max = max;
  }

  get total(): number {
    return this.#total;
  }

  get isFull(): boolean {
    return this.#total > this.#max;
  }

  add(bytes: number): void {
    this.#total += bytes;
  }
}
