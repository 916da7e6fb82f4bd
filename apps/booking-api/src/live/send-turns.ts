import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LiveMessage } from './live-message.ts';

/** What is sent before others get a turn: the system copies it at once, as far as it takes it. */
const bytesPerTurn = 2 * 1024 * 1024;
/** What a send costs beside its bytes, in bytes. */
const bytesPerSend = 4 * 1024;

/** Keeps a long row of sends from keeping everybody else waiting. */
export class SendTurns {
  #left = bytesPerTurn;

  async sent(message: LiveMessage): Promise<void> {
    this.#left -= message.bytes + bytesPerSend;
    if (this.#left > 0) return;
    this.#left = bytesPerTurn;
    await nextTurn();
  }
}
