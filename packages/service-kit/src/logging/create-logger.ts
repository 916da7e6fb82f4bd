import { hostname } from 'node:os';
import { pino, stdTimeFunctions, type DestinationStream, type LevelWithSilent, type Logger } from 'pino';
import { safeMessage, withoutSecrets } from './redact.ts';

export interface LoggerOptions {
  /** The service, as it appears in each line. */
  readonly name: string;
  readonly level: LevelWithSilent;
  /** Standard output by default; tests collect the lines. */
  readonly destination?: DestinationStream;
}

/** Creates the logger of a service: JSON lines with ISO times; secrets and SQL parameters never appear. */
export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { service: name, pid: process.pid, host: hostname() },
    timestamp: stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: withoutSecrets,
    },
    // The formatter has serialized errors already; Fastify would add a serializer that shows all of them.
    serializers: { err: (err: unknown) => err },
    hooks: { logMethod },
  };
  // Written at once: pino's buffered default lost or reordered the last lines before an exit, and saved no more than a
  // microsecond a line.
  const logger = pino(options, destination ?? pino.destination({ dest: 1, sync: true }));
  // pino does not format the bindings of children; children inherit this method from their parent.
  const prototype = Object.getPrototypeOf(logger) as Logger;
  logger.child = function childWithoutSecrets(this: Logger, bindings: object, childOptions?: object) {
    return prototype.child.call(this, withoutSecrets(bindings), childOptions);
  } as Logger['child'];
  return logger;
}

/** Without a message of its own a line gets the error's, which pino would take unread. */
function logMethod(this: Logger, args: unknown[], method: (...args: unknown[]) => void): void {
  const [first, ...rest] = args;
  const error = first instanceof Error ? first : (first as { err?: unknown } | null | undefined)?.err;
  if (error instanceof Error && rest.length === 0) {
    const merged = first instanceof Error ? { err: first } : first;
    method.call(this, merged, safeMessage(error));
  } else if (first instanceof Error) {
    method.call(this, { err: first }, ...rest);
  } else {
    method.apply(this, args);
  }
}
