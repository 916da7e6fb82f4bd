import { randomUUID } from 'node:crypto';
import { anyone } from '@ticketing/seat-core';
import { expectProblem, waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type SeatBody, type TestApi } from '../fixtures/test-api.ts';

interface SeatMapBody {
  readonly eventId: string;
  readonly version: number;
  readonly asOf: string;
  readonly seats: SeatBody[];
}

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

const readMap = (eventId: string, headers?: Record<string, string>) =>
  api.call<SeatMapBody>('GET', `/api/v1/events/${eventId}/seats`, undefined, headers);

const price = { amount: 150_000, currency: 'IDR' };

describe('GET /api/v1/events/:eventId/seats', () => {
  it('answers the map with every seat in the order of the venue, member by member', async () => {
    const { event } = await api.createEvent([
      { name: 'VIP', price: { amount: 900_000, currency: 'IDR' }, rows: [{ name: 'Z', seats: 2 }] },
      {
        name: 'Festival',
        price,
        rows: [
          { name: 'A', seats: 1 },
          { name: 'B', seats: 1 },
        ],
      },
    ]);
    const { status, headers, body } = await readMap(event.id.toUpperCase());
    expect(status).toBe(200);
    expect(body).toEqual({
      eventId: event.id,
      version: 0,
      asOf: expect.stringMatching(/Z$/) as string,
      seats: [
        ['VIP', 'Z', 1, { amount: 900_000, currency: 'IDR' }],
        ['VIP', 'Z', 2, { amount: 900_000, currency: 'IDR' }],
        ['Festival', 'A', 1, price],
        ['Festival', 'B', 1, price],
      ].map(([section, row, number, seatPrice]) => ({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        eventId: event.id,
        section,
        row,
        number,
        price: seatPrice,
        status: 'AVAILABLE',
      })),
    });
    expect(Math.abs(Date.now() - Date.parse(body.asOf))).toBeLessThan(5_000);
    expect(headers.get('etag')).toBe(`W/"${event.id}-0"`);
    expect(headers.get('cache-control')).toBe('max-age=1');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(JSON.stringify(body)));
  });

  it('shows holds and sales in the map after about a second, and raises its version with each', async () => {
    const { event, seatIds } = await api.createEvent(3);
    const before = await readMap(event.id);
    const sold = await api.hold(seatIds[0]!);
    await api.core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'test' });
    await api.hold(seatIds[1]!);
    const after = await waitFor(
      async () => {
        const answer = await readMap(event.id);
        return answer.body.version === 3 ? answer : undefined;
      },
      { description: 'the map to show three changes', timeoutMs: 3_000 },
    );
    expect(after.body.seats.map((seat) => seat.status)).toEqual(['SOLD', 'RESERVED', 'AVAILABLE']);
    expect(after.headers.get('etag')).toBe(`W/"${event.id}-3"`);
    const answer = await readMap(event.id, { 'if-none-match': before.headers.get('etag')! });
    expect(answer.status).toBe(200);
  });

  it.each([
    ['the tag itself', (tag: string) => tag],
    ['the tag as a strong one', (tag: string) => tag.slice(2)],
    ['the tag in a list', (tag: string) => `"something", W/"else" ,${tag}, "more"`],
    ['any tag', () => '*'],
  ])('answers 304 without a body when If-None-Match is %s', async (_name, header) => {
    const { event } = await api.createEvent(1);
    const tag = `W/"${event.id}-0"`;
    const { status, headers, body } = await readMap(event.id, { 'if-none-match': header(tag) });
    expect(status).toBe(304);
    expect(body).toBeNull();
    expect(headers.get('etag')).toBe(tag);
    expect(headers.get('cache-control')).toBe('max-age=1');
    expect(headers.get('x-request-id')).not.toBeNull();
    expect(headers.get('content-length')).toBeNull();
  });

  it.each([
    ['another tag', (tag: string) => tag.replace('-0"', '-1"')],
    ['a tag of another event', () => `W/"${randomUUID()}-0"`],
    ['a tag without its quotes', (tag: string) => tag.slice(3, -1)],
    ['a longer tag that contains it', (tag: string) => tag.replace('W/"', '"x')],
  ])('answers 200 when If-None-Match is %s', async (_name, header) => {
    const { event } = await api.createEvent(1);
    const answer = await readMap(event.id, { 'if-none-match': header(`W/"${event.id}-0"`) });
    expect(answer.status).toBe(200);
  });

  it('answers HEAD of the map with the headers of GET and no body', async () => {
    const { event } = await api.createEvent(2);
    const get = await readMap(event.id);
    const head = await api.call('HEAD', `/api/v1/events/${event.id}/seats`);
    expect(head.status).toBe(200);
    expect(head.body).toBeNull();
    for (const name of ['etag', 'cache-control', 'content-type', 'content-length']) {
      expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)]);
    }
    const unchanged = { 'if-none-match': get.headers.get('etag')! };
    expect((await api.call('HEAD', `/api/v1/events/${event.id}/seats`, undefined, unchanged)).status).toBe(
      304,
    );
  });

  it('answers 404 to the map of an unknown event, whatever the If-None-Match, and 400 to a malformed id', async () => {
    expectProblem(await readMap(randomUUID(), { 'if-none-match': '*' }), {
      status: 404,
      code: 'EVENT_NOT_FOUND',
    });
    expectProblem(await readMap('x'), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/eventId', detail: 'the path parameter must be a UUID' }],
    });
  });
});
