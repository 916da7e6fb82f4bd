import { hostname } from 'node:os';
import { pino, stdTimeFunctions, type DestinationStream, type LevelWithSilent, type Logger } from 'pino';
import { safeMessage, serializeError } from './serialize-error.ts';

export interface LoggerOptions {
  /** The service, as it appears in each line. */
  readonly name: string;
  readonly level: LevelWithSilent;
  /** Where the lines go; standard output unless a test says otherwise. */
  readonly destination?: DestinationStream;
}

const secretNames = [
  'authorization',
  'cookie',
  'set-cookie',
  'idempotency-key',
  'idempotencyKey',
  'password',
  'secret',
  'token',
  'DATABASE_URL',
  'REDIS_URL',
  'JWT_SECRET',
  'connectionString',
];

// pino redacts by path, not by name: so each name at the depths at which headers and options are logged.
const secretPaths = ['', '*', '*.*', '*.*.*'].flatMap((prefix) =>
  secretNames.map((name) => `${prefix}["${name}"]`),
);

/** Creates the logger of a service: JSON lines with ISO times; secrets and SQL parameters never appear. */
export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { service: name, pid: process.pid, host: hostname() },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: serializeError, error: serializeError },
    redact: { paths: secretPaths, censor: '[redacted]' },
    hooks: { logMethod },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
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
