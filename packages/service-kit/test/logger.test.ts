import { expect, test } from 'vitest';
import { createLogger } from '../src/index.ts';
import { createLogSink } from './fixtures/build-service.ts';

function createTestLogger() {
  const sink = createLogSink();
  const logger = createLogger({ name: 'test-api', level: 'info', destination: sink });
  return { logger, lines: sink.lines, text: () => JSON.stringify(sink.lines) };
}

/** As drizzle-orm throws it: SQL and parameters in the message, and again as members. */
class DrizzleQueryError extends Error {
  readonly query: string;
  readonly params: readonly unknown[];
  constructor(query: string, params: readonly unknown[], cause: Error) {
    super(`Failed query: ${query}\nparams: ${params.join(',')}`, { cause });
    this.query = query;
    this.params = params;
  }
}

/** As pg throws it. */
function postgresError(message: string, members: object): Error {
  return Object.assign(new Error(message), { severity: 'ERROR', ...members });
}

test('writes JSON with ISO time, level in words and the service', () => {
  const { logger, lines } = createTestLogger();
  logger.info({ seats: 2 }, 'held');
  expect(lines[0]).toMatchObject({ level: 'info', service: 'test-api', seats: 2, msg: 'held' });
  expect(lines[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('the logger leaves out lines below its level', () => {
  const { logger, lines } = createTestLogger();
  logger.debug('not this');
  expect(lines).toEqual([]);
});

test.each([
  'authorization',
  'Authorization',
  'cookie',
  'set-cookie',
  'idempotency-key',
  'idempotencyKey',
  'password',
  'clientSecret',
  'accessToken',
  'DATABASE_URL',
  'MIGRATE_DATABASE_URL',
  'REDIS_URL',
  'JWT_SECRET',
  'connectionString',
])('redacts %s at any depth', (name) => {
  const { logger, text } = createTestLogger();
  const secret = { [name]: 'hunter2' };
  logger.info(
    { ...secret, headers: secret, request: { headers: secret }, list: [{ a: { b: secret } }] },
    'x',
  );
  logger.child(secret).info('y');
  expect(text()).not.toContain('hunter2');
  expect(text()).toContain('[redacted]');
});

test('logs members without secrets unchanged', () => {
  const { logger, lines } = createTestLogger();
  const at = new Date('2026-08-17T10:00:00Z');
  logger.info({ text: 'a@b', list: [1, null, { x: true }], at, none: undefined, nothing: null });
  expect(lines[0]).toMatchObject({
    text: 'a@b',
    list: [1, null, { x: true }],
    at: '2026-08-17T10:00:00.000Z',
    nothing: null,
  });
});

test('logs the name of a class instance, not its members', () => {
  const { logger, lines } = createTestLogger();
  logger.info({
    pool: new (class Pool {
      options = { user: 'hunter2' };
    })(),
    url: new URL('redis://:hunter2@cache'),
    seats: new Map([['a', 'hunter2']]),
  });
  expect(lines[0]).toMatchObject({ pool: '[Pool]', url: '[URL]', seats: '[Map]' });
});

test('logs a line that contains itself', () => {
  const { logger, lines } = createTestLogger();
  const line: Record<string, unknown> = { a: 1 };
  line['self'] = line;
  logger.info(line);
  expect(lines[0]).toMatchObject({ a: 1 });
});

test('hides the credentials of URLs in values and error messages', () => {
  const { logger, text } = createTestLogger();
  logger.info({ target: 'postgres://app:hunter2@db:5432/x' });
  logger.error(new Error('cannot reach redis://:hunter2@cache and rediss://u:hun@ter2@cache'));
  expect(text()).not.toMatch(/hunter2|ter2/);
  expect(text()).toContain('postgres://[redacted]@db:5432/x');
});

test('logs a database error by name, SQLSTATE and constraint, without SQL, parameters or row values', () => {
  const cause = postgresError('duplicate key value violates unique constraint "booking_seats_live"', {
    code: '23505',
    constraint: 'booking_seats_live',
    table: 'booking_seats',
    detail: 'Key (user_id)=(hunter2) already exists.',
    where: 'SQL statement "insert into x values (hunter2)"',
    internalQuery: 'select hunter2',
    parameters: ['hunter2'],
  });
  const error = new DrizzleQueryError(
    'insert into t_secret values ($1)',
    ['hunter2\n    at hunter2 (x.js:1:1)'],
    cause,
  );

  const { logger, lines, text } = createTestLogger();
  logger.error(error);
  logger.error({ err: error });
  logger.error({ err: error }, 'with a message');
  logger.error({ somewhere: { deep: error } }, 'elsewhere');
  logger.error({ err: new AggregateError([new Error('outer', { cause: error })], 'many') });

  expect(text()).not.toMatch(/hunter2|t_secret/);
  expect(lines[0]).toMatchObject({
    msg: 'Failed query',
    err: {
      type: 'DrizzleQueryError',
      message: 'Failed query',
      cause: {
        code: '23505',
        constraint: 'booking_seats_live',
        table: 'booking_seats',
        message: 'duplicate key value violates unique constraint "booking_seats_live"',
      },
    },
  });
  expect(lines[0]).toHaveProperty('err.stack', expect.stringMatching(/^ {4}at .*logger\.test\.ts/));
  expect(lines[2]?.msg).toBe('with a message');
  expect(lines[4]).toMatchObject({ err: { errors: [{ cause: { cause: { code: '23505' } } }] } });
});

test('hides the value that PostgreSQL quotes in a data exception', () => {
  const { logger, lines } = createTestLogger();
  logger.error(postgresError('invalid input syntax for type uuid: "hun"ter2"', { code: '22P02' }));
  expect(lines[0]).toMatchObject({ msg: 'invalid input syntax for type uuid: "…"', err: { code: '22P02' } });
});

test('hides the arguments of a Redis command', () => {
  const { logger, text } = createTestLogger();
  const message = "ERR unknown command 'sett', with args beginning with: 'lock' 'hunter2'";
  logger.error(Object.assign(new Error(message), { command: { name: 'sett', args: ['lock', 'hunter2'] } }));
  expect(text()).toContain("ERR unknown command 'sett'");
  expect(text()).not.toContain('hunter2');
});

test('logs a cause that is no Error without its members', () => {
  const { logger, lines } = createTestLogger();
  logger.error({ err: new Error('outer', { cause: { password: 'hunter2' } }) });
  expect(lines[0]).toMatchObject({ err: { cause: { type: 'object', message: 'not an Error was thrown' } } });
});

test('ends a circular chain of causes', () => {
  const { logger, lines } = createTestLogger();
  const error = new Error('round');
  error.cause = error;
  logger.error(error);
  expect(lines[0]?.msg).toBe('round');
});
