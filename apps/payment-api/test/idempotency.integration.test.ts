import { randomUUID } from 'node:crypto';
import { auditViolations, expectProblem } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestPayments, type TestPayments } from './fixtures/test-payments.ts';
import { anyone } from '@ticketing/seat-core';

let payments: TestPayments;
beforeAll(async () => {
  payments = await openTestPayments();
});
afterEach(async () => expect(await auditViolations(payments.databaseUrl)).toEqual([]));
afterAll(async () => payments[Symbol.asyncDispose]());

async function hold(): Promise<string> {
  const seatIds = await payments.makeEvent(1);
  return (await payments.core.holdSeats({ seatIds, userId: 'ani' })).id;
}

describe('POST /api/v1/payment/:bookingId/confirm with an Idempotency-Key', () => {
  it('a repeated confirm with its key sells once and repeats the answer, marked as such', async () => {
    const bookingId = await hold();
    const sold = await payments.ticketsSold();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await payments.confirm(bookingId, undefined, headers);
    const again = await payments.confirm(bookingId, '{}', headers);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body).toEqual(first.body);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await payments.ticketsSold()).toBe(sold + 1);
  });

  it('the key of one confirm is IDEMPOTENCY_KEY_REUSED for another booking, which stays PENDING', async () => {
    const [one, other] = [await hold(), await hold()];
    const headers = { 'idempotency-key': randomUUID() };
    await payments.confirm(one, undefined, headers);
    expectProblem(await payments.confirm(other, undefined, headers), {
      status: 422,
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    expect((await payments.core.getBooking({ bookingId: other, ownedBy: anyone })).status).toBe('PENDING');
  });

  it('a confirm with a malformed Idempotency-Key is refused', async () => {
    const bookingId = await hold();
    const answer = await payments.confirm(bookingId, undefined, { 'idempotency-key': 'x'.repeat(256) });
    expect(answer.status).toBe(400);
    expect((await payments.core.getBooking({ bookingId, ownedBy: anyone })).status).toBe('PENDING');
  });
});
