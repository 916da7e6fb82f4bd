import { expect, it } from 'vitest';
import type { Context } from '../src/options.ts';
import { listDegradedDependencies } from '../src/health.ts';

const partsAt = (offsetSeconds: number) =>
  listDegradedDependencies({
    redis: { isAway: false },
    expiryQueue: null,
    replica: null,
    clocks: { offsetSeconds },
  } as Context);

it.each([
  [3.21, 'The clock of Redis is 3.2 s ahead of PostgreSQL’s: status keys end that much too early.'],
  [-600, 'The clock of Redis is 600.0 s behind PostgreSQL’s: status keys end that much too late.'],
])('clocks that are %s s apart are a fault, told in a sentence', (offsetSeconds, detail) => {
  expect(partsAt(offsetSeconds)).toEqual([{ name: 'clock', status: 'misconfigured', detail }]);
});

it.each([0, 0.9, -0.9])('clocks that are %s s apart are none', (offsetSeconds) => {
  expect(partsAt(offsetSeconds)).toEqual([]);
});
