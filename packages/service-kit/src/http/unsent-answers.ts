import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { getHeapStatistics } from 'node:v8';
import { Counter, Gauge, type Registry } from 'prom-client';
import { HttpError } from '../problems/http-error.ts';
import type { ConnectionTracker } from './connections.ts';
import { namedPlugin } from './http-service.ts';

/** The bounds of answers that clients have not read. */
export interface UnsentAnswersBounds {
  /** Bytes of all of them; by default an eighth of the heap's limit, 57 MB in the image. */
  readonly maxBytes: number;
  /** A client that has read for this many milliseconds can be cut off to make room, and is not one of a crowd that came this moment. */
  readonly graceMs: number;
  /** Milliseconds for any answer, however small. */
  readonly baseMs: number;
  /** The bytes of an answer may take longer at this rate: half a megabit a second. */
  readonly bytesPerSecond: number;
}

const defaultBounds: UnsentAnswersBounds = {
  maxBytes: getHeapStatistics().heap_size_limit / 8,
  graceMs: 1_000,
  baseMs: 10_000,
  bytesPerSecond: 64 * 1024,
};

/** Request, reply and headers of an answer: what it costs beside its body. */
const bytesPerAnswer = 8 * 1024;
/** Of a stream only what its buffers hold. */
const bytesPerStream = 64 * 1024;
/** Requests that a connection may have sent without waiting for their answers. Node stops reading only after a whole packet of them. */
const maxOwedPerConnection = 32;
/** Answers that the process owes, beyond which no connection may have more than one. */
const maxOwed = 4_000;
const checkEveryMs = 1_000;

/** The bytes of a body, in memory once for all answers that send the same buffer. */
interface Body {
  readonly bytes: number;
  readonly buffer: Buffer | undefined;
  readonly answers: Set<Answer>;
}

interface Answer {
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly body: Body;
  readonly since: number;
  /** Set when the answers before it on its connection are sent. */
  dueAt: number | undefined;
}

/** The answers that were handed to Node and that their clients have not read, all connections together. */
class UnsentAnswers {
  readonly #bounds: UnsentAnswersBounds;
  readonly #connections: ConnectionTracker;
  readonly #onCut: (reason: 'late' | 'memory', answers: number) => void;
  readonly #bySocket = new Map<Socket, Set<Answer>>();
  readonly #bodies = new Set<Body>();
  readonly #shared = new Map<Buffer, Body>();
  #bytes = 0;

  constructor(
    bounds: UnsentAnswersBounds,
    connections: ConnectionTracker,
    onCut: (reason: 'late' | 'memory', answers: number) => void,
  ) {
    this.#bounds = bounds;
    this.#connections = connections;
    this.#onCut = onCut;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns whether there is room for it, when `mustFit` */
  add(socket: Socket, response: ServerResponse, payload: unknown, mustFit: boolean): boolean {
    const buffer = Buffer.isBuffer(payload) ? payload : undefined;
    const known = buffer === undefined ? undefined : this.#shared.get(buffer);
    const body: Body = known ?? { bytes: bytesOf(payload), buffer, answers: new Set() };
    const bytes = bytesPerAnswer + (known === undefined ? body.bytes : 0);
    if (!this.#makeRoom(bytes) && mustFit) return false;
    const answer: Answer = { response, socket, body, since: performance.now(), dueAt: undefined };
    this.#bytes += bytes;
    body.answers.add(answer);
    this.#bodies.add(body);
    if (buffer !== undefined) this.#shared.set(buffer, body);
    let answers = this.#bySocket.get(socket);
    if (answers === undefined) {
      answers = new Set();
      this.#bySocket.set(socket, answers);
      // Node closes no response that waits behind others when their connection is gone.
      socket.once('close', () => this.#cut(socket));
    }
    answers.add(answer);
    response.once('close', () => this.#remove(answer));
    return true;
  }

  /** Cuts the connections whose clients took longer for an answer than its size allows. */
  cutLate(): void {
    const now = performance.now();
    const late = [];
    for (const [socket, answers] of this.#bySocket) {
      const [next] = this.#connections.owedOn(socket);
      for (const answer of answers) {
        if (answer.response !== next) continue;
        const { baseMs, bytesPerSecond } = this.#bounds;
        answer.dueAt ??= now + baseMs + (answer.body.bytes / bytesPerSecond) * 1_000;
        if (now > answer.dueAt) late.push(socket);
      }
    }
    for (const socket of late) this.#onCut('late', this.#cut(socket));
  }

  /** The largest body goes first, of equal ones the oldest. */
  #makeRoom(bytes: number): boolean {
    while (this.#bytes + bytes > this.#bounds.maxBytes) {
      const now = performance.now();
      let largest: Body | undefined;
      for (const body of this.#bodies) {
        if (largest !== undefined && body.bytes <= largest.bytes) continue;
        if (Array.from(body.answers).every(({ since }) => now - since > this.#bounds.graceMs)) largest = body;
      }
      if (largest === undefined) return false;
      for (const { socket } of largest.answers) this.#onCut('memory', this.#cut(socket));
    }
    return true;
  }

  /** @returns how many answers were lost */
  #cut(socket: Socket): number {
    const answers = [...(this.#bySocket.get(socket) ?? [])];
    for (const answer of answers) this.#remove(answer);
    this.#bySocket.delete(socket);
    socket.destroy();
    return answers.length;
  }

  #remove(answer: Answer): void {
    const { body, socket } = answer;
    if (!body.answers.delete(answer)) return;
    this.#bytes -= bytesPerAnswer;
    this.#bySocket.get(socket)?.delete(answer);
    if (body.answers.size > 0) return;
    this.#bytes -= body.bytes;
    this.#bodies.delete(body);
    if (body.buffer !== undefined) this.#shared.delete(body.buffer);
  }
}

function bytesOf(payload: unknown): number {
  if (typeof payload === 'string') return payload.length;
  if (payload instanceof Uint8Array) return payload.byteLength;
  return payload === undefined || payload === null ? 0 : bytesPerStream;
}

/**
 * Bounds what clients that do not read can keep in memory. An answer has a time by its size; when all unread answers
 * have too many bytes, the connections of the largest are cut, and an answer that still does not fit becomes OVERLOADED.
 */
export const unsentAnswers = namedPlugin<{
  readonly connections: ConnectionTracker;
  readonly registry: Registry;
  readonly bounds: Partial<UnsentAnswersBounds> | undefined;
}>({ name: 'unsent-answers', after: ['problem-handlers'] }, (app, { connections, registry, bounds }) => {
  const cut = new Counter({
    name: 'http_answers_cut_total',
    help: 'Answers that were cut off: late, because the client read too slowly; memory, to make room for others; pipelined, because the connection sent too many requests without waiting.',
    labelNames: ['reason'] as const,
    registers: [registry],
  });
  const unsent = new UnsentAnswers({ ...defaultBounds, ...bounds }, connections, (reason, answers) =>
    cut.inc({ reason }, answers),
  );
  new Gauge({
    name: 'http_unsent_bytes',
    help: 'Bytes of the answers that clients have not read yet, those of a shared body once.',
    registers: [registry],
    collect() {
      this.set(unsent.bytes);
    },
  });
  const checking = setInterval(() => unsent.cutLate(), checkEveryMs).unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(checking);
    done();
  });

  app.addHook('onRequest', ({ raw: { socket } }, reply, done) => {
    const count = connections.countOwedOn(socket);
    if (count > maxOwedPerConnection || (count > 1 && connections.owed() > maxOwed)) {
      cut.inc({ reason: 'pipelined' }, count);
      socket.destroy();
    }
    // Node has read the other requests of a packet already: they go no further.
    if (socket.destroyed) reply.hijack();
    else done();
  });

  app.addHook('onSend', (request, reply, payload, done) => {
    const isProblem = request.problemCode !== null;
    if (unsent.add(request.raw.socket, reply.raw, payload, !isProblem)) return done();
    for (const name of ['content-encoding', 'etag']) reply.removeHeader(name);
    done(new HttpError('OVERLOADED'));
  });
});
