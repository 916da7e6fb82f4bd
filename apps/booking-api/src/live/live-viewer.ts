import type { WebSocket } from 'ws';
import type { LiveMessage } from './live-message.ts';

/**
 * What may lie unsent for a connection that does not read, beside a snapshot: some seconds of changes, and what
 * the operating systems at both ends have taken already comes on top.
 */
const maxBehindBytes = 128 * 1024;

/** One open connection. A reader that falls behind is dropped: it comes again and is sent a snapshot. */
export class LiveViewer {
  readonly #socket: WebSocket;
  readonly #onDrop: (reason: 'slow' | 'silent') => void;
  #seq = 0;
  #allowedBytes = maxBehindBytes;
  #isHeard = true;

  constructor(socket: WebSocket, onDrop: (reason: 'slow' | 'silent') => void) {
    this.#socket = socket;
    this.#onDrop = onDrop;
    socket.on('pong', () => (this.#isHeard = true));
  }

  send(message: LiveMessage): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const { bufferedAmount } = this.#socket;
    if (bufferedAmount > this.#allowedBytes) {
      this.#drop('slow');
      return;
    }
    this.#seq += 1;
    const bytes = message.bytesAs(this.#seq);
    // A large message is on its way for a while: what it takes counts once, until it is out.
    if (bufferedAmount === 0) this.#allowedBytes = bytes.length + maxBehindBytes;
    this.#socket.send(bytes, { binary: false });
  }

  /** Asks for a sign of life; whoever gave none since the last time is dropped. */
  ping(): void {
    if (!this.#isHeard) {
      this.#drop('silent');
      return;
    }
    this.#isHeard = false;
    this.#socket.ping();
  }

  close(): void {
    this.#socket.close(1001, 'the service is going away: connect again');
  }

  /** No farewell: it would wait behind all that is not read. */
  #drop(reason: 'slow' | 'silent'): void {
    this.#onDrop(reason);
    this.#socket.terminate();
  }
}
