import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { renderProblem } from '../problems/problem-body.ts';
import type { Sentence } from '../problems/problem-table.ts';
import { sentences } from '../problems/http-error.ts';
import type { ConnectionTracker } from './connections.ts';
import { newRequestId, requestIdOf } from './request-context.ts';

const refusals: Readonly<Record<string, { readonly status: number; readonly sentence: Sentence }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, sentence: sentences.largeHeaders },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, sentence: sentences.lateRequest },
};
const malformed = { status: 400, sentence: sentences.malformedRequest };

/** Time for the client to read the answer: destroying the connection sends a reset, which would discard it. */
const lingerMs = 1_000;

/**
 * A refused request must not run afterwards: a process that was blocked finds requests late before it reads the rest of
 * them, which arrived long ago. The socket still has to be read, or the close would be a reset and discard the answer.
 */
function discardInput(socket: Socket): void {
  socket.removeAllListeners('data');
  // With a listener Node no longer hands the bytes to its parser directly, past JavaScript.
  socket.on('data', () => undefined);
}

/** Answers bytes that never became a request: no HTTP, oversized headers, a client that stalls. */
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
      // The bytes came behind a request in progress: this answer must not be taken for the answer to that request.
      for (const response of owed) if (!response.headersSent) response.setHeader('connection', 'close');
      owed.at(-1)?.once('close', () => socket.destroySoon());
      return;
    }

    discardInput(socket);
    const { status, sentence } = refusals[error.code ?? ''] ?? malformed;
    const requestId = owed[0] === undefined ? newRequestId() : requestIdOf(owed[0].req);
    logger.info({ requestId, status, reason: error.code }, 'malformed or late request refused');

    // The headers are unknown, and so is the language.
    const errors = [{ pointer: '', detail: sentence.en }];
    const problem = renderProblem('VALIDATION_FAILED', { errors }, { requestId, language: 'en', status });
    const headers = {
      ...problem.headers,
      'x-request-id': requestId,
      'x-content-type-options': 'nosniff',
      'content-length': String(Buffer.byteLength(problem.body)),
      connection: 'close',
    };
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${head.join('')}\r\n${problem.body}`);
    setTimeout(() => socket.destroy(), lingerMs).unref();
  };
}
