import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '@ticketing/testkit';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

const day = 86_400_000;

/** Moments in ms from now; undefined leaves the member out. */
interface Window {
  readonly starts?: number;
  readonly opens?: number;
  readonly closes?: number;
}

async function makeEvent({ starts = day, opens, closes }: Window) {
  const at = (ms: number) => new Date(Date.now() + ms);
  const event = await engine.core.createEvent({
    name: 'Recital',
    venue: 'Small Hall',
    startsAt: at(starts),
    ...(opens !== undefined && { salesOpenAt: at(opens) }),
    ...(closes !== undefined && { salesCloseAt: at(closes) }),
    sections: [
      { name: 'Stalls', price: { amount: 15_000_000, currency: 'IDR' }, rows: [{ name: 'A', seats: 4 }] },
    ],
  });
  const { seats } = await engine.core.getSeatMap({ eventId: event.id });
  return { event, seatIds: seats.map((seat) => seat.id) };
}

/** The clock of PostgreSQL decides, so tests move the window instead of waiting. */
const moveWindow = (eventId: string, opens: string | null, closes: string | null) =>
  engine.pool.query(
    `update events set sales_open_at = now() + $2::interval, sales_close_at = now() + $3::interval where id = $1`,
    [eventId, opens, closes],
  );

describe('the sales of an event', () => {
  it('refuse a hold before they open, and say when they do', async () => {
    const { event, seatIds } = await makeEvent({ opens: 3_600_000 });
    const { code, details } = await refusal(engine.core.holdSeats({ seatIds, userId: 'ani' }));
    expect(code).toBe('SALES_NOT_OPEN');
    expect(details.opensAt).toEqual(event.salesOpenAt);
    expect(details.opensInSeconds).toBeGreaterThan(3_500);
    expect(details.opensInSeconds).toBeLessThanOrEqual(3_600);
    expect(await engine.seatRow(seatIds[0]!)).toEqual({ status: 'AVAILABLE', version: 0 });
    await moveWindow(event.id, '-1 second', null);
    expect((await engine.core.holdSeats({ seatIds, userId: 'ani' })).status).toBe('PENDING');
  });

  it('refuse a hold from the moment at which they close', async () => {
    const { event, seatIds } = await makeEvent({ closes: -1 });
    expect(event.salesCloseAt.getTime()).toBeLessThan(event.startsAt.getTime());
    expect((await refusal(engine.core.holdSeats({ seatIds, userId: 'ani' }))).code).toBe('SALES_CLOSED');
  });

  it('close when the event starts, unless the organizer says otherwise', async () => {
    const started = await makeEvent({ starts: -1 });
    expect(started.event.salesCloseAt).toEqual(started.event.startsAt);
    const refused = await refusal(engine.core.holdSeats({ seatIds: started.seatIds, userId: 'ani' }));
    expect(refused.code).toBe('SALES_CLOSED');
    const lateEntry = await makeEvent({ starts: -1, closes: day });
    const held = await engine.core.holdSeats({ seatIds: lateEntry.seatIds, userId: 'ani' });
    expect(held.status).toBe('PENDING');
  });

  it('open and close by the clock of PostgreSQL at the very moment', async () => {
    const { event, seatIds } = await makeEvent({ opens: 400 });
    const held = await waitFor(
      () =>
        engine.core.holdSeats({ seatIds: [seatIds[0]!], userId: 'ani' }).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'SALES_NOT_OPEN', retryable: true });
          return undefined;
        }),
      { description: 'the sales to open' },
    );
    expect(held.createdAt.getTime()).toBeGreaterThanOrEqual(event.salesOpenAt!.getTime());
  });

  it('let a hold that was made in time be confirmed, released and replayed after they closed', async () => {
    const { event, seatIds } = await makeEvent({});
    const key = { idempotencyKey: 'order-7', userId: 'ani' };
    const sold = await engine.core.holdSeats({ ...key, seatIds: [seatIds[0]!] });
    const given = await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'budi' });
    await moveWindow(event.id, null, '-1 second');
    expect(await engine.core.holdSeats({ ...key, seatIds: [seatIds[0]!] })).toEqual({
      ...sold,
      replayed: true,
    });
    const change = { ownedBy: anyone, actor: 'till' } as const;
    expect((await engine.core.confirmBooking({ ...change, bookingId: sold.id })).status).toBe('CONFIRMED');
    expect((await engine.core.releaseBooking({ ...change, bookingId: given.id })).status).toBe('CANCELLED');
    const again = await refusal(engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'budi' }));
    expect(again.code).toBe('SALES_CLOSED');
  });

  it('are judged for each request of a commit on its own', async () => {
    const [open, closed, early] = await Promise.all([
      makeEvent({}),
      makeEvent({ closes: -1 }),
      makeEvent({ opens: day / 2 }),
    ]);
    const before = engine.statements.length;
    const codes = await Promise.all(
      [open, closed, early].map(async ({ seatIds }) =>
        engine.core.holdSeats({ seatIds, userId: 'ani' }).then(
          ({ status }) => status as string,
          (error: { code: string }) => error.code,
        ),
      ),
    );
    expect(codes).toEqual(['PENDING', 'SALES_CLOSED', 'SALES_NOT_OPEN']);
    expect(engine.statements.slice(before).filter((name) => name === 'hold-free-seats')).toHaveLength(1);
  });

  it('do not end a hold that is overdue when they are closed, and the sweep does', async () => {
    const { event, seatIds } = await makeEvent({});
    const brief = await engine
      .withSettings({ holdSeconds: 0.001 })
      .holdSeats({ seatIds: [seatIds[0]!], userId: 'ani' });
    await engine.untilOverdue(brief.id);
    await moveWindow(event.id, null, '-1 second');
    const refused = await refusal(engine.core.holdSeats({ seatIds: [seatIds[0]!], userId: 'budi' }));
    expect(refused.code).toBe('SALES_CLOSED');
    expect(await engine.storedStatus(brief.id)).toBe('PENDING');
    await engine.core.sweepOverdue();
    expect(await engine.storedStatus(brief.id)).toBe('EXPIRED');
  });

  it('decide which free seats are listed: none of an event that is over or closed', async () => {
    const [open, closed, started] = await Promise.all([
      makeEvent({}),
      makeEvent({ closes: -1 }),
      makeEvent({ starts: -1 }),
    ]);
    const free = async (eventId: string) => (await engine.core.listAvailableSeats({ eventId })).seats.length;
    expect(await free(open.event.id)).toBe(4);
    expect(await free(closed.event.id)).toBe(0);
    expect(await free(started.event.id)).toBe(0);
    const { seats } = await engine.core.listAvailableSeats({ limit: 100 });
    const listed = new Set(seats.map((seat) => seat.eventId));
    expect(listed.has(open.event.id)).toBe(true);
    expect(listed.has(closed.event.id) || listed.has(started.event.id)).toBe(false);
  });

  it.each<[string, Window]>([
    ['opens when the event starts', { starts: day, opens: day }],
    ['opens after it closes', { opens: 2_000, closes: 1_000 }],
  ])('cannot be made with a window that %s', async (_, window) => {
    const { code, details } = await refusal(makeEvent(window));
    expect(code).toBe('VALIDATION_FAILED');
    expect(details.errors?.map(({ pointer }) => pointer)).toEqual(['/salesOpenAt']);
  });

  it('are part of what an idempotency key of an event stands for', async () => {
    const input = {
      name: 'Recital',
      venue: 'Hall',
      startsAt: '2030-01-01T00:00:00Z',
      salesOpenAt: '2029-01-01T00:00:00Z',
      sections: [{ name: 'S', price: { amount: 1, currency: 'IDR' }, rows: [{ name: 'A', seats: 1 }] }],
      idempotencyKey: 'event-1',
    };
    const made = await engine.core.createEvent(input);
    expect(await engine.core.createEvent(input)).toEqual({ ...made, replayed: true });
    const other = await refusal(engine.core.createEvent({ ...input, salesOpenAt: '2029-01-02T00:00:00Z' }));
    expect(other.code).toBe('IDEMPOTENCY_KEY_REUSED');
  });
});
