import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { LiveMessage } from './live-message.ts';

/** Why a connection was dropped: it did not read, gave no sign of life, or sent what nobody asked for. */
export type DropReason = 'slow' | 'silent' | 'noisy';

export interface LiveViewerOptions {
  readonly onDrop: (reason: DropReason) => void;
  /** How long it may take to read what was too much to be sent at once. */
  readonly mayBeBehindMs: number;
}

/**
 * What may lie unsent for a connection that does not read, beside a snapshot: some seconds of changes, and what
 * the operating systems at both ends have taken already comes on top.
 */
const maxBehindBytes = 128 * 1024;
/** What a client may send between two questions for a sign of life; it needs to send one answer. */
const maxFramesHeard = 100;

/** One open connection. A reader that falls behind is dropped: it comes again and is sent a snapshot. */
export class LiveViewer {
  readonly #socket: WebSocket;
  readonly #line: Socket;
  readonly #options: LiveViewerOptions;
  #seq = 0;
  #allowedBytes = maxBehindBytes;
  /** Until when what is large and was sent last may be under way. */
  #readingUntil = -Infinity;
  #isHeard = true;
  #framesHeard = 0;

  /** @param line what the WebSocket goes over */
  constructor(socket: WebSocket, line: Socket, options: LiveViewerOptions) {
    this.#socket = socket;
    this.#line = line;
    this.#options = options;
    socket.on('pong', () => {
      this.#isHeard = true;
      this.#hear();
    });
    socket.on('ping', () => this.#hear());
    socket.on('message', () => this.#hear());
  }

  send(message: LiveMessage): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#isBehind()) {
      this.#drop('slow');
      return;
    }
    // A large message is on its way for a while: what it takes counts once, until it is out.
    if (this.#socket.bufferedAmount <= maxBehindBytes) {
      this.#allowedBytes = message.bytes + maxBehindBytes;
      if (message.bytes > maxBehindBytes)
        this.#readingUntil = performance.now() + this.#options.mayBeBehindMs;
    }
    this.#seq += 1;
    const [first, last] = message.framesAs(this.#seq);
    this.#line.cork();
    this.#socket.send(first, { binary: false, fin: false });
    this.#socket.send(last, { binary: false, fin: true });
    this.#line.uncork();
  }

  /** Asks for a sign of life; whoever gave none since the last time is dropped. */
  ping(): void {
    this.#framesHeard = 0;
    if (this.#isBehind()) {
      this.#drop('slow');
    } else if (this.#isHeard) {
      this.#isHeard = false;
      this.#socket.ping();
    } else if (performance.now() > this.#readingUntil) {
      // Till then the question waits behind what is not read yet.
      this.#drop('silent');
    }
  }

  close(): void {
    this.#socket.close(1001, 'the service is going away: connect again');
  }

  /** By too much, or for too long: who reads a little now and then would keep a snapshot in memory for good. */
  #isBehind(): boolean {
    const { bufferedAmount } = this.#socket;
    if (bufferedAmount <= maxBehindBytes) return false;
    return bufferedAmount > this.#allowedBytes || performance.now() > this.#readingUntil;
  }

  #hear(): void {
    this.#framesHeard += 1;
    if (this.#framesHeard > maxFramesHeard) this.#drop('noisy');
  }

  /** No farewell: it would wait behind all that is not read. */
  #drop(reason: DropReason): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#options.onDrop(reason);
    this.#socket.terminate();
  }
}
