import { getHeapStatistics } from 'node:v8';
import { SeatCoreError } from '../errors.ts';

/**
 * Of the limit of V8's heap, for all seats of all events that a process keeps: maps, the states of live feeds, and what
 * the program around the engine renders of them. In the image the limit is 453 MB, so this is 113 MB, of a container of
 * 512 MB: 130 MB are the process with nothing in memory, up to 60 MB are answers that clients have not read, 60 MB the
 * one map that is being read, written or compressed, and the rest is garbage. (Measured under attack: with three eighths
 * the process reached 499 MB.)
 */
const shareOfHeap = 1 / 4;

export interface KeptMemory {
  readonly bytes: number;
  /** While it is in use it stays. Never, by default. */
  readonly isInUse?: () => boolean;
  /** Drops it, to make room. */
  readonly evict: () => void;
}

/** The bytes that may be kept in memory. What was used least recently makes room for what is new. */
export class MemoryBudget {
  readonly #maxBytes: number;
  /** The least recently used first. */
  readonly #kept = new Map<object, KeptMemory>();
  #bytes = 0;

  constructor(maxBytes = getHeapStatistics().heap_size_limit * shareOfHeap) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Counts the bytes of an owner, in place of those that it had before, as the most recently used.
   *
   * @throws OVERLOADED when they do not fit beside what is in use; then nothing changes
   */
  keep(owner: object, memory: KeptMemory): void {
    const evicted: object[] = [];
    let missing = this.#bytes - (this.#kept.get(owner)?.bytes ?? 0) + memory.bytes - this.#maxBytes;
    for (const [other, { bytes, isInUse }] of this.#kept) {
      if (missing <= 0) break;
      if (other === owner || isInUse?.() === true) continue;
      evicted.push(other);
      missing -= bytes;
    }
    if (missing > 0)
      throw new SeatCoreError('OVERLOADED', `no room for ${memory.bytes} bytes beside the seats in use`);
    this.free(owner);
    for (const other of evicted) {
      this.#kept.get(other)?.evict();
      this.free(other);
    }
    this.#kept.set(owner, memory);
    this.#bytes += memory.bytes;
  }

  /** The owner was used this moment. */
  touch(owner: object): void {
    const memory = this.#kept.get(owner);
    if (memory === undefined) return;
    this.#kept.delete(owner);
    this.#kept.set(owner, memory);
  }

  free(owner: object): void {
    this.#bytes -= this.#kept.get(owner)?.bytes ?? 0;
    this.#kept.delete(owner);
  }
}
