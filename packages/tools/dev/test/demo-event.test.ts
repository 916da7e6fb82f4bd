import { expect, it } from 'vitest';
import { demoEvent } from '../src/supervisor/demo-event.ts';

it('is a hall of about 1,500 seats in sections of different price, with rows that grow toward the back', () => {
  const event = demoEvent(new Date('2026-11-23T00:00:00Z'));
  const seats = event.sections.flatMap(({ rows }) => rows).reduce((sum, row) => sum + row.seats, 0);
  expect(seats).toBeGreaterThanOrEqual(1_450);
  expect(seats).toBeLessThanOrEqual(1_550);
  expect(new Set(event.sections.map(({ price }) => price.amount)).size).toBeGreaterThanOrEqual(4);
  for (const { price, rows } of event.sections) {
    expect(price.currency).toBe('IDR');
    for (const [index, row] of rows.entries()) expect(row.seats).toBeGreaterThan(rows[index - 1]?.seats ?? 0);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  }
  expect(event.startsAt.toISOString()).toBe('2027-01-07T12:30:00.000Z');
});
