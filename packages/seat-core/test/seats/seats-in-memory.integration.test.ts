import { waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SeatCore } from '../../src/seat-core.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
const eventIds: string[] = [];
beforeAll(async () => {
  engine = await openTestEngine();
  for (let index = 0; index < 6; index++) eventIds.push((await engine.makeEvent(500)).event.id);
});
afterAll(async () => engine[Symbol.asyncDispose]());

/** Statements that read every seat of an event. */
const ofSeats = /^(read-(places|statuses|states)|count-seats-of-event)$/;
const readings = () => engine.statements.filter((name) => name === 'read-places').length;

describe('the first reading of events', () => {
  it('reads maps and live feeds that are asked for at once one event after the other, and answers all', async () => {
    const core = engine.withSettings({});
    const before = engine.statements.length;
    const [maps, subscriptions] = await Promise.all([
      Promise.all(eventIds.map((eventId) => core.getSeatMap({ eventId }))),
      Promise.all(
        eventIds.slice(0, 3).map((eventId) => core.subscribeToSeats({ eventId, onMessage: () => undefined })),
      ),
    ]);
    expect(maps.map(({ eventId, seats }) => [eventId, seats.length])).toEqual(
      eventIds.map((eventId) => [eventId, 500]),
    );
    const sent = engine.statements.slice(before).filter((name) => ofSeats.test(name));
    const followedBy = (name: string) => sent.filter((_, index) => sent[index - 1] === name);
    expect(followedBy('read-places')).toEqual(Array.from({ length: 6 }, () => 'read-statuses'));
    expect(followedBy('count-seats-of-event')).toEqual(Array.from({ length: 3 }, () => 'read-states'));
    for (const subscription of subscriptions) subscription.close();
  });

  it('keeps the order of ids where the seats of a row are not written together', async () => {
    const { event, seatIds } = await engine.makeEvent(6);
    await engine.pool.query(
      `update seats set "row" = case number % 2 when 0 then 'B' else 'A' end where event_id = $1`,
      [event.id],
    );
    const { seats } = await engine.core.getSeatMap({ eventId: event.id });
    expect(seats.map(({ id, row, number }) => [id, row, number])).toEqual(
      seatIds.map((id, index) => [id, index % 2 === 0 ? 'A' : 'B', index + 1]),
    );
  });
});

describe('the memory of seats', () => {
  /** Room for two maps of 500 seats, or a map and two feeds. */
  const maxBytesOfSeats = 200_000;
  let core: SeatCore;
  beforeEach(() => {
    core = engine.withSettings({ maxBytesOfSeats });
  });

  it('drops the map that was asked for least recently, and reads it again when it is asked for', async () => {
    const [a, b, c] = eventIds as [string, string, string];
    const before = readings();
    for (const eventId of [a, b, a, c, a]) await core.getSeatMap({ eventId });
    expect(readings() - before).toBe(3);
    await core.getSeatMap({ eventId: b });
    expect(readings() - before).toBe(4);
    expect(core.bulk.memory.bytes).toBeLessThanOrEqual(maxBytesOfSeats);
  });

  it('keeps what live subscriptions follow, and refuses events that do not fit beside it', async () => {
    // Five feeds, or one map.
    const narrow = engine.withSettings({ maxBytesOfSeats: 100_000 });
    const follow = (eventId: string) => narrow.subscribeToSeats({ eventId, onMessage: () => undefined });
    const followed = [];
    for (const eventId of eventIds.slice(0, 5)) followed.push(await follow(eventId));
    const sixth = eventIds[5]!;
    const full = narrow.bulk.memory.bytes;
    expect((await refusal(narrow.getSeatMap({ eventId: sixth }))).code).toBe('OVERLOADED');
    const crowd = engine.withSettings({ maxBytesOfSeats: full / 5 + 1 });
    const only = await crowd.subscribeToSeats({ eventId: sixth, onMessage: () => undefined });
    expect(
      (await refusal(crowd.subscribeToSeats({ eventId: eventIds[0]!, onMessage: () => undefined }))).code,
    ).toBe('OVERLOADED');
    // A feed without subscriptions makes room at once.
    only.close();
    const next = await crowd.subscribeToSeats({ eventId: eventIds[0]!, onMessage: () => undefined });
    next.close();
    for (const subscription of followed) subscription.close();
    await expect(narrow.getSeatMap({ eventId: sixth })).resolves.toMatchObject({ eventId: sixth });
  });

  it('counts a feed until it is closed, also one whose subscribers were refused meanwhile', async () => {
    const subscription = await core.subscribeToSeats({ eventId: eventIds[0]!, onMessage: () => undefined });
    expect(core.bulk.memory.bytes).toBeGreaterThan(500 * 9);
    subscription.close();
    await waitFor(() => core.bulk.memory.bytes === 0, { description: 'the feed to be closed' });
  });

  it('exports its bytes', async () => {
    await engine.core.getSeatMap({ eventId: eventIds[0]! });
    expect(await engine.metric('seats_in_memory_bytes')).toBeGreaterThan(500 * 170);
  });
});
