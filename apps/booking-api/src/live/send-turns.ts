import { setImmediate as nextTurn } from 'node:timers/promises';

/** What is sent before others get a turn: the system copies it at once, as far as it takes it. */
const bytesPerTurn = 2 * 1024 * 1024;
/** What a send costs beside its bytes, in bytes. */
const bytesPerSend = 4 * 1024;

/** Keeps long rows of sends, however many there are at once, from keeping everybody else waiting. */
export class SendTurns {
  #left = bytesPerTurn;
  #next: Promise<void> | undefined;

  /** @returns what to wait for before so much is sent; undefined, which costs nothing, when it can be sent now */
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
