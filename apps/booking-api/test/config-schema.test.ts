import { readConfig } from '@ticketing/service-kit';
import { expect, it } from 'vitest';
import { configSchema } from '../src/config-schema.ts';

const urls = { DATABASE_URL: 'postgres://127.0.0.1/ticketing', REDIS_URL: 'redis://127.0.0.1' };

it.each([
  { MAX_SEATS_PER_BOOKING: '21' },
  { MAX_SEATS_PER_BOOKING: '5', MAX_HELD_SEATS_PER_USER: '4' },
  { MAX_HELD_SEATS_PER_USER: '4' },
])('bookings of more seats than a user may hold refuse the start: %j', (variables) => {
  expect(() => readConfig(configSchema, { ...urls, ...variables })).toThrow(
    'MAX_SEATS_PER_BOOKING must be a whole number from 1 to MAX_HELD_SEATS_PER_USER',
  );
});

it('a user may hold no more than one booking', () => {
  const limits = { MAX_SEATS_PER_BOOKING: '4', MAX_HELD_SEATS_PER_USER: '4' };
  expect(readConfig(configSchema, { ...urls, ...limits }).MAX_SEATS_PER_BOOKING).toBe(4);
});
