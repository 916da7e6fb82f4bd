import { hostname } from 'node:os';
import { pino, stdTimeFunctions, type DestinationStream, type LevelWithSilent, type Logger } from 'pino';

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
  const logger = pino(options, destination ?? (standardOutput ??= openStandardOutput()));
  // pino does not format the bindings of children; children inherit this method from their parent.
  const prototype = Object.getPrototypeOf(logger) as Logger;
  logger.child = function childWithoutSecrets(this: Logger, bindings: object, childOptions?: object) {
    return prototype.child.call(this, withoutSecrets(bindings), childOptions);
  } as Logger['child'];
  return logger;
}

/** The letters of lines that are written at once, however long the turn of the event loop lasts. */
const maxUnwrittenLength = 8 * 1024;
const infoLevel = pino.levels.values['info']!;

/** One for all loggers of a process. */
let standardOutput: DestinationStream | undefined;

/**
 * Writes the lines of one turn of the event loop together, since each write is a system call: at its end, at the exit, or at
 * once with a line above info, of which a process may die. pino's own buffer lost or reordered the last lines, and waited
 * for the disk (`fsync`) at each flush.
 */
function openStandardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true });
  let lines = '';
  const writeAll = () => {
    if (lines !== '') output.write(lines);
    lines = '';
  };
  process.on('exit', writeAll);
  const stream = {
    // pino then tells the level of each line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: infoLevel,
    write: (line: string) => {
      const isFirst = lines === '';
      lines += line;
      if (stream.lastLevel > infoLevel || lines.length > maxUnwrittenLength) writeAll();
      else if (isFirst) setImmediate(writeAll);
    },
  };
  return stream;
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

const secretName =
  /(authorization|cookie|idempotency[-_]?key|password|passwd|secret|token|(database|redis|replica)[-_]?url|connection[-_]?string)$/i;

/** The names that lines have had, since most lines have the same; a line may have names that a client made up. */
const knownNames = new Map<string, boolean>();
const maxKnownNames = 500;
const maxKnownLength = 64;

function isSecretName(name: string): boolean {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const isSecret = secretName.test(name);
  if (knownNames.size < maxKnownNames && name.length <= maxKnownLength) knownNames.set(name, isSecret);
  return isSecret;
}

const maxLineDepth = 6;

/**
 * The plain data of a log line, at any depth without members of secret names, credentials in URLs, and members of an
 * error that are not on the safe list. An instance of a class is logged as its name: a pool or a request holds too much.
 *
 * pino's own `redact` works by path and cost 50 µs a line with wildcards, this less than one.
 */
function withoutSecrets(line: object): Record<string, unknown> {
  return safeMembersOf(line, 0);
}

function safeMembersOf(object: object, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) {
    safe[name] = isSecretName(name) ? '[redacted]' : safeValue(value, depth + 1);
  }
  return safe;
}

function safeValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactCredentials(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return serializeError(value);
  if (value instanceof Date) return value;
  if (depth > maxLineDepth) return '[deeper]';
  if (Array.isArray(value)) return value.map((item) => safeValue(item, depth + 1));

  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  return isPlain ? safeMembersOf(value, depth) : `[${value.constructor.name}]`;
}

// Not on this list: `detail`, `where`, `hint`, `internalQuery` and `parameters` of a pg error, which hold row values or
// SQL, and `command` of a Redis error, which holds its arguments.
const safeMembers = [
  'code',
  'severity',
  'constraint',
  'schema',
  'table',
  'column',
  'routine',
  'syscall',
  'address',
  'port',
  'retryable',
  'statusCode',
] as const;

const maxErrorDepth = 5;

/** Serializes an error for the log from a closed list of members: libraries attach SQL, parameters and credentials. */
function serializeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error was thrown', stack: '' };

  const members: Record<string, unknown> = {};
  for (const name of safeMembers) {
    const value: unknown = (error as unknown as Record<string, unknown>)[name];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      members[name] = value;
  }
  return {
    type: error.constructor.name,
    message: safeMessage(error),
    ...members,
    stack: frames(error),
    ...(error.cause !== undefined &&
      depth < maxErrorDepth && { cause: serializeError(error.cause, depth + 1) }),
    ...(error instanceof AggregateError &&
      depth < maxErrorDepth && { errors: error.errors.map((inner) => serializeError(inner, depth + 1)) }),
  };
}

/** The message of an error without SQL, parameters, row values or credentials. */
export function safeMessage(error: Error): string {
  let message = error.message;
  // Class 22 (data exceptions) quotes the offending value: invalid input syntax for type uuid: "…".
  if ('severity' in error && 'code' in error && String(error.code).startsWith('22')) {
    message = message.replace(/".*"/s, '"…"');
  }
  return redactCredentials(
    message
      // Drizzle: "Failed query: <SQL>\nparams: <values>", also inside another message.
      .replace(/Failed query:.*/s, 'Failed query')
      // Redis: "ERR unknown command 'x', with args beginning with: 'secret'".
      .replace(/,? with args beginning with:.*/s, ''),
  );
}

/** A text without the user and password of the URLs in it. */
function redactCredentials(text: string): string {
  return text.includes('://') ? text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/]*@/gi, '$1[redacted]@') : text;
}

/** The stack without its head: the head repeats the unsafe message, which may have any number of lines. */
function frames(error: Error): string {
  const stack = error.stack ?? '';
  const messageAt = error.message === '' ? -1 : stack.indexOf(error.message);
  const tail = messageAt === -1 ? stack : stack.slice(messageAt + error.message.length);
  return tail
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .join('\n');
}
