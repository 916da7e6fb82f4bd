import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { environmentExample, environmentTable } from '../src/docs.ts';
import { commonVariables } from '../src/index.ts';

const port = Type.Integer({ description: 'Where to listen.', default: 3001, minimum: 1, maximum: 65_535 });
const schemas = {
  'booking-api': Type.Object({ ...commonVariables, BOOKING_API_PORT: port }),
  'payment-api': Type.Object({
    ...commonVariables,
    JWKS_URL: Type.Optional(Type.String({ description: 'Where a|b keys are.', format: 'http-url' })),
  }),
};

test('the environment table has one row per variable, with default, bounds, meaning and readers', () => {
  const table = environmentTable(schemas);
  expect(table).toContain(
    '| name | default | value | meaning | read by |\n| --- | --- | --- | --- | --- |\n',
  );
  expect(table).toContain(
    '| `DATABASE_POOL_MAX` | `10` | a whole number from 4 to 200 | PostgreSQL connections per process: of 10 six serve sales, three lists and maps, one creates events. | booking-api, payment-api |\n',
  );
  expect(table).toContain('| `DATABASE_URL` | required | a postgres:// or postgresql:// URL |');
  expect(table).toContain(
    '| `BOOKING_API_PORT` | `3001` | a whole number from 1 to 65535 | Where to listen. | booking-api |',
  );
  expect(table).toContain(
    '| `JWKS_URL` | none | an http:// or https:// URL | Where a\\|b keys are. | payment-api |',
  );
  expect(table.match(/`HOST`/g)).toHaveLength(1);
});

test('the environment example has required variables empty and the others at their defaults', () => {
  const example = environmentExample(schemas);
  expect(example).toMatch(/^DATABASE_URL=$/m);
  expect(example).toMatch(/^# LOG_LEVEL=info$/m);
  expect(example).toMatch(/^# JWKS_URL=$/m);
});

test('refuses to describe a variable without a description', () => {
  expect(() => environmentTable({ api: Type.Object({ PORT: Type.Integer() }) })).toThrow(
    'api: PORT has no description',
  );
});

test('refuses a variable that means different things to two services', () => {
  const other = Type.Integer({ description: 'Where to listen.', default: 3002 });
  expect(() => environmentTable({ a: Type.Object({ PORT: port }), b: Type.Object({ PORT: other }) })).toThrow(
    'PORT is described differently by a and b',
  );
});
