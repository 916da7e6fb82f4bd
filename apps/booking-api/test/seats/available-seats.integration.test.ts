import { randomUUID } from 'node:crypto';
import { expectProblem, waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type SeatBody, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

const readAvailable = (query: string) =>
  api.call<{ seats: SeatBody[]; asOf: string }>('GET', `/api/v1/seats/available${query}`);

describe('GET /api/v1/seats/available', () => {
  it('lists ten free seats of an event by default, each as the seat map shows it', async () => {
    const { event, seats } = await api.createEvent(30);
    const { status, headers, body } = await readAvailable(`?eventId=${event.id.toUpperCase()}`);
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(['seats', 'asOf']);
    expect(body.seats).toHaveLength(10);
    expect(new Set(body.seats.map(({ id }) => id)).size).toBe(10);
    for (const seat of body.seats) expect(seats).toContainEqual(seat);
    expect(headers.get('cache-control')).toBe('max-age=1');
    expect(Math.abs(Date.now() - Date.parse(body.asOf))).toBeLessThan(5_000);
  });

  it('lists another choice of free seats for each caller', async () => {
    const { event } = await api.createEvent(100);
    const choices = new Set<string>();
    for (let n = 0; n < 5; n++) {
      const { body } = await readAvailable(`?eventId=${event.id}&limit=5`);
      choices.add(body.seats.map(({ id }) => id).join());
    }
    expect(choices.size).toBeGreaterThan(1);
  });

  it('lists 1 to 100 free seats, and all of them when there are fewer', async () => {
    const { event } = await api.createEvent(120);
    for (const limit of [1, 100]) {
      const { body } = await readAvailable(`?eventId=${event.id}&limit=${limit}`);
      expect(body.seats).toHaveLength(limit);
    }
    const small = await api.createEvent(3);
    expect((await readAvailable(`?eventId=${small.event.id}&limit=50`)).body.seats).toHaveLength(3);
  });

  it('leaves held seats out of the list after about a second, and answers an empty list when no seat is free', async () => {
    const { event, seatIds } = await api.createEvent(2);
    await readAvailable(`?eventId=${event.id}`);
    await api.hold(seatIds);
    const empty = await waitFor(
      async () => {
        const answer = await readAvailable(`?eventId=${event.id}`);
        return answer.body.seats.length === 0 ? answer : undefined;
      },
      { description: 'the list to be empty', timeoutMs: 3_000 },
    );
    expect(empty.status).toBe(200);
  });

  it('lists free seats of all coming events without eventId, and of no past one', async () => {
    const past = await api.createEvent(5, { startsAt: new Date(Date.now() - 60_000) });
    const coming = await api.createEvent(5, { startsAt: new Date(Date.now() + 60_000) });
    const seen = await waitFor(
      async () => {
        const { body } = await readAvailable('?limit=100');
        const events = new Set(body.seats.map((seat) => seat.eventId));
        return events.has(coming.event.id) ? events : undefined;
      },
      { description: 'the new event to be listed', timeoutMs: 3_000 },
    );
    expect(seen.has(past.event.id)).toBe(false);
    expect(seen.size).toBeGreaterThan(1);
  });

  it('answers 404 to the free seats of an unknown event', async () => {
    expectProblem(await readAvailable(`?eventId=${randomUUID()}`), { status: 404, code: 'EVENT_NOT_FOUND' });
  });

  it.each([
    ['limit=0', '/limit', 'the query parameter must be at least 1'],
    ['limit=101', '/limit', 'the query parameter must be at most 100'],
    ['limit=ten', '/limit', 'the query parameter must be a whole number'],
    ['limit=', '/limit', 'the query parameter must be a whole number'],
    ['eventId=1', '/eventId', 'the query parameter must be a UUID'],
  ])('refuses to list free seats with %s', async (query, pointer, detail) => {
    expectProblem(await readAvailable(`?${query}`), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer, detail }],
    });
  });
});
