import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { commonVariables, ConfigError, limitVariables, readConfig } from '../src/index.ts';

const schema = Type.Object({
  ...commonVariables,
  PORT: Type.Integer({ description: 'Where to listen.', default: 3001, minimum: 1, maximum: 65_535 }),
  RATIO: Type.Optional(Type.Number({ description: 'A share.', minimum: 0 })),
  VERBOSE: Type.Boolean({ description: 'Says more.', default: false }),
  NICKNAME: Type.Optional(Type.String({ description: 'A name.', minLength: 2, maxLength: 4 })),
});

const required = { DATABASE_URL: 'postgres://u:p@db/tickets', REDIS_URL: 'redis://cache' };

function messageFor(env: Record<string, string | undefined>): string {
  try {
    readConfig(schema, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('was accepted');
}

test('readConfig fills in the defaults', () => {
  expect(readConfig(schema, required)).toEqual({
    ...required,
    HOST: '127.0.0.1',
    REDIS_KEY_PREFIX: '',
    DATABASE_POOL_MAX: 10,
    SHUTDOWN_DELAY_SECONDS: 0,
    LOG_LEVEL: 'info',
    PORT: 3001,
    VERBOSE: false,
  });
});

test('reads a variable as its declared type', () => {
  const config = readConfig(schema, {
    ...required,
    PORT: '80',
    RATIO: '0.5',
    VERBOSE: 'true',
    NICKNAME: '123',
  });
  expect(config).toMatchObject({ PORT: 80, RATIO: 0.5, VERBOSE: true, NICKNAME: '123' });
});

test('takes an empty variable for an unset one and ignores unknown variables', () => {
  const config = readConfig(schema, { ...required, PORT: '', RATIO: '', PATH: '/bin', npm_x: '1' });
  expect(config.PORT).toBe(3001);
  expect(config).not.toHaveProperty('RATIO');
  expect(config).not.toHaveProperty('PATH');
});

test.each(['tcp://10.43.7.11:3001', 'tcp://[fd00::7]:3001', 'udp://10.43.7.11:53'])(
  'a ConfigError says that the service links of Kubernetes made a value such as %s',
  (value) => {
    expect(messageFor({ ...required, PORT: value, RATIO: 'x' })).toBe(
      `2 environment variables are missing or wrong:
  - PORT must be a whole number from 1 to 65535; Kubernetes made its value from a Service of that name: set enableServiceLinks: false in the pod
  - RATIO must be a number from 0`,
    );
  },
);

test('readConfig returns a frozen object and does not change the environment', () => {
  const env = { ...required, PORT: '80' };
  expect(Object.isFrozen(readConfig(schema, env))).toBe(true);
  expect(env).toEqual({ ...required, PORT: '80' });
});

test('lists every missing or wrong variable by name, with the expected value, in one message', () => {
  const message = messageFor({
    DATABASE_URL: 'mysql://root:hunter2@db/x',
    REDIS_URL: '',
    DATABASE_POOL_MAX: '201',
    SHUTDOWN_DELAY_SECONDS: '-1',
    LOG_LEVEL: 'loudest',
    PORT: 'eighty',
    RATIO: '-3',
    VERBOSE: 'perhaps',
    NICKNAME: 'supercalifragilistic',
  });
  expect(message.split('\n')).toEqual([
    '9 environment variables are missing or wrong:',
    '  - REDIS_URL is not set: it must be a redis:// or rediss:// URL',
    '  - DATABASE_URL must be a postgres:// or postgresql:// URL',
    '  - DATABASE_POOL_MAX must be a whole number from 4 to 200',
    '  - SHUTDOWN_DELAY_SECONDS must be a whole number from 0 to 300',
    '  - LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
    '  - PORT must be a whole number from 1 to 65535',
    '  - RATIO must be a number from 0',
    '  - VERBOSE must be true or false',
    '  - NICKNAME must be text of 2 to 4 characters',
  ]);
});

test('a ConfigError never prints a value', () => {
  const values = {
    DATABASE_URL: 'mysql://root:hunter2@db/x',
    REDIS_URL: 'http://:sesame@cache',
    LOG_LEVEL: 'xloudestx',
    PORT: '70001',
    DATABASE_POOL_MAX: '10.5',
  };
  const message = messageFor(values);
  for (const value of Object.values(values)) expect(message).not.toContain(value);
  expect(message).not.toMatch(/hunter2|sesame/);
});

test('a ConfigError speaks of one variable in the singular', () => {
  expect(messageFor({ ...required, PORT: '0' })).toBe(
    '1 environment variable is missing or wrong:\n  - PORT must be a whole number from 1 to 65535',
  );
});

test.each([
  ['postgres://db/tickets', true],
  ['postgresql://u:p@db:5432/tickets?sslmode=require', true],
  ['postgres:///tickets?host=/run/postgresql', true],
  ['postgres://', false],
  ['db/tickets', false],
  ['redis://db', false],
])('DATABASE_URL %s is acceptable: %s', (url, isAcceptable) => {
  const read = () => readConfig(schema, { ...required, DATABASE_URL: url });
  if (isAcceptable) expect(read().DATABASE_URL).toBe(url);
  else expect(read).toThrow(ConfigError);
});

test.each([
  ['redis://cache:6379/1', true],
  ['rediss://:secret@cache', true],
  ['redis://', false],
  ['cache:6379', false],
])('REDIS_URL %s is acceptable: %s', (url, isAcceptable) => {
  const read = () => readConfig(schema, { ...required, REDIS_URL: url });
  if (isAcceptable) expect(read().REDIS_URL).toBe(url);
  else expect(read).toThrow(ConfigError);
});

const bounded = Type.Object({
  LEAST: Type.Integer({ description: 'The lower one.', default: 30, minimum: 0, maximum: 1_000 }),
  MOST: Type.Integer({ description: 'The upper one.', default: 300, atLeast: 'LEAST', maximum: 1_000 }),
  PART: Type.Integer({ description: 'A part of it.', default: 10, minimum: 1, atMost: 'LEAST' }),
});

test.each([
  [{ LEAST: '31', MOST: '30' }, ['MOST must be a whole number from LEAST to 1000']],
  [{ MOST: '29' }, ['MOST must be a whole number from LEAST to 1000']],
  [{ LEAST: '5' }, ['PART must be a whole number from 1 to LEAST']],
  [{ PART: '31' }, ['PART must be a whole number from 1 to LEAST']],
  [
    { LEAST: '700', MOST: '600', PART: '701' },
    ['MOST must be a whole number from LEAST to 1000', 'PART must be a whole number from 1 to LEAST'],
  ],
  [{ LEAST: 'many' }, ['LEAST must be a whole number from 0 to 1000']],
  [
    { LEAST: '1001' },
    ['LEAST must be a whole number from 0 to 1000', 'MOST must be a whole number from LEAST to 1000'],
  ],
])('variables that do not fit together are refused by name: %j', (env, findings) => {
  const read = () => readConfig(bounded, env);
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(new RegExp(`wrong:\n${findings.map((finding) => `  - ${finding}`).join('\n')}$`));
});

test.each([
  [
    { LEAST: '30', MOST: '30', PART: '30' },
    { LEAST: 30, MOST: 30, PART: 30 },
  ],
  [{ LEAST: '299' }, { LEAST: 299, MOST: 300 }],
  [{ LEAST: '500' }, { LEAST: 500, MOST: 500 }],
])('a default that must be at least another variable follows it: %j', (env, expected) => {
  expect(readConfig(bounded, env)).toMatchObject(expected);
});

test('RATE_LIMIT_STAFF_MAX below RATE_LIMIT_MAX refuses the start', () => {
  const limits = Type.Object(limitVariables);
  expect(() => readConfig(limits, { RATE_LIMIT_MAX: '50', RATE_LIMIT_STAFF_MAX: '49' })).toThrow(
    'RATE_LIMIT_STAFF_MAX must be a whole number from RATE_LIMIT_MAX to 1000000',
  );
  expect(readConfig(limits, { RATE_LIMIT_MAX: '0', RATE_LIMIT_STAFF_MAX: '0' })).toMatchObject({
    RATE_LIMIT_STAFF_MAX: 0,
  });
});
