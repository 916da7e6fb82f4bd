import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Sentence } from '../faults/faults.ts';
import { renderProblem } from '../faults/render-problem.ts';
import { sentences } from '../faults/sentences.ts';
import type { ConnectionTracker } from './connection-tracker.ts';
import { newRequestId, requestIdOf } from './request-id.ts';

interface Breakage {
  readonly status: number;
  readonly sentence: Sentence;
}

const breakages: Readonly<Record<string, Breakage>> = {
  HPE_HEADER_OVERFLOW: { status: 431, sentence: sentences.largeHeaders },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, sentence: sentences.lateRequest },
};
const malformed: Breakage = { status: 400, sentence: sentences.malformedRequest };

/** Time for the client to read the answer before the connection is destroyed: a reset would take it away. */
const lingerMs = 1_000;

/**
 * What is refused here must not be done all the same: a process that stood still finds requests late before it reads
 * their rest, which has arrived long ago. Read on it has to be, or the close would be a reset, and take the answer away.
 */
function discardInput(socket: Socket): void {
  socket.removeAllListeners('data');
  // A listener also ends the way past JavaScript on which Node hands bytes to its parser.
  socket.on('data', () => undefined);
}

/** Answers what never became a request (bytes that are not HTTP, oversized headers, a client that stalls). */
export function createClientErrorHandler(connections: () => ConnectionTracker, logger: Logger) {
  const answered = new WeakSet<Socket>();

  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (answered.has(socket)) return;
    answered.add(socket);
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }

    const owed = connections().owedOn(socket);
    if (owed.some((response) => response.headersSent || response.req.complete)) {
      // The bytes came behind a request that is being answered: they must not be taken for its answer.
      for (const response of owed) if (!response.headersSent) response.setHeader('connection', 'close');
      owed.at(-1)?.once('close', () => socket.destroySoon());
      return;
    }

    discardInput(socket);
    const { status, sentence } = breakages[error.code ?? ''] ?? malformed;
    const requestId = owed[0] === undefined ? newRequestId() : requestIdOf(owed[0].req);
    logger.info({ requestId, status, reason: error.code }, 'connection broke before a request');

    // What headers there were is not known, so neither is the language.
    const errors = [{ pointer: '', detail: sentence.en }];
    const problem = renderProblem('VALIDATION_FAILED', { errors }, { requestId, language: 'en', status });
    const headers = {
      ...problem.headers,
      'x-request-id': requestId,
      'x-content-type-options': 'nosniff',
      'content-length': String(problem.body.length),
      connection: 'close',
    };
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${head.join('')}\r\n${problem.body.toString()}`,
    );
    setTimeout(() => socket.destroy(), lingerMs).unref();
  };
}
