import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Frame, LiveMessage } from './live-message.ts';
import type { SendTurns, UnsentBytes } from './send-pacing.ts';

/**
 * Why a client was dropped: it did not read, gave no sign of life, sent more than a client needs to, sending failed, or
 * the process had no memory left for its snapshot.
 */
export type DropReason = 'slow' | 'silent' | 'noisy' | 'broken' | 'memory';

export interface LiveClientOptions {
  /** @param err the failure, when the reason is `broken` */
  readonly onDrop: (reason: DropReason, err?: unknown) => void;
  /** How long a large message may take until the client has read it. */
  readonly maxLagMs: number;
  /** Shared by all clients of the process. */
  readonly unsent: UnsentBytes;
}

/**
 * How many bytes may lie unsent for a client that does not read: some seconds of deltas. The bytes that the operating
 * systems at both ends have taken come on top.
 */
const maxLagBytes = 128 * 1024;
/** The same while all clients together have too much unsent. */
const maxLagBytesWhenFull = 4 * 1024;
/** A client that takes longer for a piece of a snapshot gives its lane away: two megabits a second. */
const maxPieceMs = 1_000;
/** Frames that a client may send between two pings; it needs to send one pong. */
const maxFramesReceived = 100;

/**
 * One open connection of the live feed. The states of a client:
 *
 *   connecting ──▶ waiting ──▶ receiving ──▶ following ◀──▶ lagging
 *                     ▲            │             │             │
 *                     └────────────┴─────────────┴─────────────┘       (every state) ──▶ closed
 *
 *   state       means                                              leaves it
 *   connecting  has a place, the upgrade is not done               the upgrade: `follow` in live-clients.ts
 *   waiting     needs a snapshot; is sent nothing                  a free lane: `#sendSnapshots` in event-clients.ts
 *   receiving   is sent a snapshot piece by piece; deltas gather   the last piece, then one delta: `#catchUp` there
 *   following   is sent each delta at once                         more than 128 KiB unsent: `#isLagging` below
 *   lagging     is sent more, up to a bound and for a minute       reading; beyond a bound it is dropped as slow
 *   closed      left; the service stops (1001); dropped;           connects again as a new client
 *               the event no longer exists (4404)                  stays away
 *
 * When the subscription sends a snapshot, changes were missed: receiving, following and lagging clients wait for
 * another one (`#restart` in event-clients.ts).
 */
export class LiveClient {
  readonly #socket: WebSocket;
  readonly #line: Socket;
  readonly #options: LiveClientOptions;
  #seq = 0;
  #allowedBytes = maxLagBytes;
  /** Until when the last large message may take. */
  #readingUntil = -Infinity;
  #isReceiving = false;
  #isAlive = true;
  #framesReceived = 0;
  /** What of `unsent` is this client's. */
  #unsentBytes = 0;
  /** Bytes that were sent from memory that all clients share, since nothing was unsent. */
  #sharedBytes = 0;

  /** @param line the TCP connection below the WebSocket */
  constructor(socket: WebSocket, line: Socket, options: LiveClientOptions) {
    this.#socket = socket;
    this.#line = line;
    this.#options = options;
    socket.on('pong', () => {
      this.#isAlive = true;
      this.#countFrame();
    });
    socket.on('ping', () => this.#countFrame());
    socket.on('message', () => this.#countFrame());
    socket.once('close', () => this.#countUnsent(0));
  }

  /** Sends at once. Unread messages stay in memory, up to a bound. */
  send(message: LiveMessage): void {
    this.#attempt(() => {
      if (this.#isTooSlow()) {
        this.#drop('slow');
        return;
      }
      // A large message takes a while, and as many bytes again may follow meanwhile.
      if (!this.#isLagging()) {
        this.#allowedBytes = 2 * message.bytes + maxLagBytes;
        this.#allowTime(message);
      }
      this.#seq += 1;
      if (message.isShared) this.#sharedBytes += message.bytes;
      this.#write(message.frameAs(this.#seq));
      this.#countUnsent();
    });
  }

  /**
   * Sends a snapshot piece by piece, each when the one before is out; send nothing else meanwhile. The time that the
   * client may take begins here: a client that waits for its lane is not late.
   *
   * @param onSlow called when the client is too slow to keep its lane
   * @returns when all of it is out, or the connection is gone
   */
  async sendSnapshot(message: LiveMessage, turns: SendTurns, onSlow: () => void): Promise<void> {
    const timer = setTimeout(onSlow, maxPieceMs);
    this.#isReceiving = true;
    this.#allowTime(message);
    this.#seq += 1;
    for (const piece of message.piecesAs(this.#seq)) {
      await turns.take(piece.at(-1)?.length ?? 0);
      timer.refresh();
      if (!(await this.#writeOut(piece))) break;
    }
    // The operating systems took the last piece; the client has not read it yet.
    this.#allowTime(message);
    this.#isReceiving = false;
    clearTimeout(timer);
  }

  /** Sends a ping. A client that did not answer the one before is dropped. */
  ping(): void {
    this.#attempt(() => {
      this.#framesReceived = 0;
      if (this.#isTooSlow()) {
        this.#drop('slow');
      } else if (this.#isAlive) {
        this.#isAlive = false;
        this.#socket.ping();
      } else if (performance.now() > this.#readingUntil) {
        // Until then the ping waits behind a message that is not read yet.
        this.#drop('silent');
      }
    });
  }

  close(): void {
    this.#attempt(() => this.#socket.close(1001, 'the service is going away: connect again'));
  }

  /** The event no longer exists. 4404 is of the range that RFC 6455, 7.4.2, leaves to applications. */
  end(): void {
    this.#attempt(() => this.#socket.close(4404, 'the event no longer exists'));
  }

  /** Work for this client failed. */
  fail(err: unknown): void {
    this.#drop('broken', err);
  }

  /** It still receives a snapshot that many others have replaced. */
  dropAsSlow(): void {
    this.#drop('slow');
  }

  /** No memory is left for its snapshot. */
  refuse(): void {
    this.#drop('memory');
  }

  #isLagging(): boolean {
    return this.#socket.bufferedAmount > maxLagBytes;
  }

  #countUnsent(bytes = this.#ownBytes()): void {
    this.#options.unsent.add(bytes - this.#unsentBytes);
    this.#unsentBytes = bytes;
  }

  /** Unsent bytes of memory of its own; a piece of a snapshot is shared, too. */
  #ownBytes(): number {
    const { bufferedAmount } = this.#socket;
    if (bufferedAmount === 0) this.#sharedBytes = 0;
    return this.#isReceiving ? 0 : Math.max(0, bufferedAmount - this.#sharedBytes);
  }

  /** Lags by too many bytes, or for too long: a client that reads a little at times would keep a snapshot in memory for good. */
  #isTooSlow(): boolean {
    const isLate = performance.now() > this.#readingUntil;
    if (this.#isReceiving) return isLate;
    this.#countUnsent();
    if (this.#options.unsent.isFull && this.#unsentBytes > maxLagBytesWhenFull) return true;
    return this.#isLagging() && (isLate || this.#socket.bufferedAmount > this.#allowedBytes);
  }

  #allowTime({ bytes }: LiveMessage): void {
    if (bytes > maxLagBytes) this.#readingUntil = performance.now() + this.#options.maxLagMs;
  }

  #countFrame(): void {
    this.#framesReceived += 1;
    if (this.#framesReceived > maxFramesReceived) this.#drop('noisy');
  }

  /** @returns once the operating system has taken it or the connection is gone; false when nothing more can be sent */
  async #writeOut(frame: Frame): Promise<boolean> {
    return new Promise((resolve) => {
      const isWritten = this.#attempt(() => this.#write(frame, (err) => resolve(!(err instanceof Error))));
      if (!isWritten) resolve(false);
    });
  }

  /** Past ws, which would make a header for each connection. ws itself sends nothing that could come in between. */
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
   * A failure of one connection ends this client and nothing else.
   *
   * @returns whether the work was tried and did not fail
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

  /** Without a close message, which would wait behind everything that is unread. */
  #drop(reason: DropReason, err?: unknown): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#options.onDrop(reason, err);
    this.#socket.terminate();
  }
}
