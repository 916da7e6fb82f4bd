import { waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRetention } from '../../src/admin/retention.ts';
import type { SeatCoreError } from '../../src/errors.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

it('an event that is retired is EVENT_NOT_FOUND for every verb within 2 s, also where it was known before', async () => {
  const { event, seatIds } = await engine.makeEvent(3);
  const eventId = event.id;
  const ends: SeatCoreError[] = [];
  const onEnd = (error: SeatCoreError) => void ends.push(error);
  await engine.core.subscribeToSeats({ eventId, onMessage: () => undefined, onEnd });
  const reads: [string, () => Promise<unknown>][] = [
    ['getEvent', () => engine.core.getEvent({ eventId })],
    ['getSeatMap', () => engine.core.getSeatMap({ eventId })],
    ['listAvailableSeats', () => engine.core.listAvailableSeats({ eventId })],
    ['subscribeToSeats', () => engine.core.subscribeToSeats({ eventId, onMessage: () => undefined })],
  ];
  for (const [, read] of reads) await read();

  await engine.pool.query(
    `update events set starts_at = now() - interval '400 days', created_at = now() - interval '401 days' where id = $1`,
    [eventId],
  );
  await using retention = await openRetention(engine);
  const archive = { write: async () => undefined, finish: async () => undefined };
  await retention.retireEvent({ eventId, keptDays: 365, archive });

  for (const [name, read] of reads) {
    const isGone = () =>
      read().then(
        () => false,
        ({ code }: SeatCoreError) => code === 'EVENT_NOT_FOUND',
      );
    await waitFor(isGone, { description: `${name} to miss the event`, timeoutMs: 2_000 });
  }
  await waitFor(() => ends.length > 0, { description: 'the subscription to end', timeoutMs: 2_000 });
  expect(ends.map(({ code }) => code)).toEqual(['EVENT_NOT_FOUND']);
  expect((await engine.core.listEvents()).events.map(({ id }) => id)).not.toContain(eventId);
  const { code } = await refusal(engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' }));
  expect(code).toBe('SEAT_NOT_FOUND');
});
