/** What is logged of an error: a chosen few members, so that nothing a library hangs on it slips out. */
export interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly cause?: SerializedError;
  readonly errors?: readonly SerializedError[];
  readonly [member: string]: unknown;
}

// Of a pg error `detail`, `where`, `hint`, `internalQuery` and `parameters` hold row values or SQL, and a
// Redis error's `command` its arguments: none of them is on this list.
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

const maxDepth = 5;

/** Serializes an error for the log without SQL, its parameters, row values or credentials. */
export function serializeError(error: unknown, depth = 0): SerializedError {
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
    ...(error.cause !== undefined && depth < maxDepth && { cause: serializeError(error.cause, depth + 1) }),
    ...(error instanceof AggregateError &&
      depth < maxDepth && { errors: error.errors.map((inner) => serializeError(inner, depth + 1)) }),
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
      // Drizzle: "Failed query: <SQL>\nparams: <values>", also when somebody quotes it.
      .replace(/Failed query:.*/s, 'Failed query')
      // Redis: "ERR unknown command 'x', with args beginning with: 'secret'".
      .replace(/,? with args beginning with:.*/s, ''),
  );
}

/** A text without the user and password of the URLs in it. */
export function redactCredentials(text: string): string {
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
