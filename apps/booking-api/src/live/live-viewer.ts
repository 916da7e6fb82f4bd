import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Frame, LiveMessage } from './live-message.ts';
import type { SendTurns } from './send-turns.ts';

/** Why a connection was dropped: it did not read, gave no sign of life, sent what nobody asked for, or failed. */
export type DropReason = 'slow' | 'silent' | 'noisy' | 'broken';

export interface LiveViewerOptions {
  /** @param err what failed, of a broken one */
  readonly onDrop: (reason: DropReason, err?: unknown) => void;
  /** How long it may take to read what was too much to be sent at once. */
  readonly mayBeBehindMs: number;
}

/**
 * What may lie unsent for a connection that does not read: some seconds of changes, and what the operating systems at
 * both ends have taken already comes on top.
 */
const maxBehindBytes = 128 * 1024;
/** How long a piece of a snapshot may take before others need not wait for it: two megabits a second. */
const pieceMayTakeMs = 1_000;
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
  #isShown = false;
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

  /** Sends at once. What was sent before, and is not read, stays in memory: it is bounded. */
  send(message: LiveMessage): void {
    this.#attempt(() => {
      if (this.#isBehind()) {
        this.#drop('slow');
        return;
      }
      // A large message is on its way for a while, and as much again may come meanwhile.
      if (this.#socket.bufferedAmount <= maxBehindBytes) {
        this.#allowedBytes = 2 * message.bytes + maxBehindBytes;
        this.#mayRead(message);
      }
      this.#seq += 1;
      this.#write(message.frameAs(this.#seq));
    });
  }

  /**
   * Sends a snapshot piece by piece, each when the one before is out; nothing else may be sent meanwhile. Its time
   * is counted from here: whoever waits for it to be others' turn is not late.
   *
   * @param onSlow called when others need not wait for this one
   * @returns when all of it is out, or the connection gone
   */
  async show(message: LiveMessage, turns: SendTurns, onSlow: () => void): Promise<void> {
    const timer = setTimeout(onSlow, pieceMayTakeMs);
    this.#isShown = true;
    this.#mayRead(message);
    this.#seq += 1;
    for (const piece of message.piecesAs(this.#seq)) {
      await turns.take(piece.at(-1)?.length ?? 0);
      timer.refresh();
      if (!(await this.#writeOut(piece))) break;
    }
    // What the systems have taken is not read yet.
    this.#mayRead(message);
    this.#isShown = false;
    clearTimeout(timer);
  }

  /** Asks for a sign of life; whoever gave none since the last time is dropped. */
  ping(): void {
    this.#attempt(() => {
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
    });
  }

  close(): void {
    this.#attempt(() => this.#socket.close(1001, 'the service is going away: connect again'));
  }

  /** Something that was done for it has failed. */
  fail(err: unknown): void {
    this.#drop('broken', err);
  }

  /** By too much, or for too long: who reads a little now and then would keep a snapshot in memory for good. */
  #isBehind(): boolean {
    if (this.#isShown) return performance.now() > this.#readingUntil;
    const { bufferedAmount } = this.#socket;
    if (bufferedAmount <= maxBehindBytes) return false;
    return bufferedAmount > this.#allowedBytes || performance.now() > this.#readingUntil;
  }

  #mayRead({ bytes }: LiveMessage): void {
    if (bytes > maxBehindBytes) this.#readingUntil = performance.now() + this.#options.mayBeBehindMs;
  }

  #hear(): void {
    this.#framesHeard += 1;
    if (this.#framesHeard > maxFramesHeard) this.#drop('noisy');
  }

  /** @returns once the system has taken it, or the connection is gone; whether there is more to be sent */
  async #writeOut(frame: Frame): Promise<boolean> {
    return new Promise((resolve) => {
      const wasTried = this.#attempt(() => this.#write(frame, (err) => resolve(!(err instanceof Error))));
      if (!wasTried) resolve(false);
    });
  }

  /** Past ws, which would make a header for each connection. It sends nothing that could come in between. */
  #write(frame: Frame, onOut?: (err?: Error | null) => void): void {
    const [first, last] = frame;
    if (last !== undefined) {
      this.#line.cork();
      this.#line.write(first);
    }
    this.#line.write(last ?? first, onOut);
    if (last !== undefined) this.#line.uncork();
  }

  /**
   * What fails for one connection is the end of that one, and of nothing else.
   *
   * @returns whether it was tried, and did not fail
   */
  #attempt(work: () => void): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    try {
      work();
      return true;
    } catch (err) {
      this.#drop('broken', err);
      return false;
    }
  }

  /** No farewell: it would wait behind all that is not read. */
  #drop(reason: DropReason, err?: unknown): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#options.onDrop(reason, err);
    this.#socket.terminate();
  }
}
