import { randomUUID } from 'node:crypto';
import { auditViolations, claimsOf, expectProblem, signToken } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestPayments, type TestPayments } from './fixtures/test-payments.ts';
import { anyone } from '@ticketing/seat-core';

const secret = 'a secret that is long enough for all';
let payments: TestPayments;
beforeAll(async () => {
  payments = await openTestPayments({ kind: 'secret', secret, audience: 'ticketing' });
});
afterEach(async () => expect(await auditViolations(payments.databaseUrl)).toEqual([]));
afterAll(async () => payments[Symbol.asyncDispose]());

const now = () => Math.floor(Date.now() / 1000);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const as = (userId: string, ...roles: string[]) =>
  bearer(signToken({ ...claimsOf(userId, ...roles), aud: 'ticketing' }, { key: secret }));

async function holdAs(userId: string): Promise<string> {
  const seatIds = await payments.makeEvent(1);
  return (await payments.core.holdSeats({ seatIds, userId })).id;
}
const confirm = (bookingId: string, headers: Record<string, string>) =>
  payments.confirm(bookingId, undefined, headers);

describe('confirming', () => {
  it.each([
    ['its owner', () => as('ani')],
    ['payments', () => as('provider', 'payments')],
    ['admin', () => as('cici', 'admin')],
  ])('a confirm is allowed for %s', async (_name, caller) => {
    const bookingId = await holdAs('ani');
    const { status, body } = await confirm(bookingId, caller());
    expect([status, body.status, body.userId]).toEqual([200, 'CONFIRMED', 'ani']);
  });

  it('a confirm of another user’s booking is answered like one of an unknown booking', async () => {
    const bookingId = await holdAs('ani');
    const unknown = randomUUID();
    const seen = new Set<string>();
    for (const id of [bookingId, unknown]) {
      for (const caller of [as('budi'), as('org', 'organizer')]) {
        const answer = await confirm(id, { ...caller, 'x-request-id': 'same' });
        expectProblem(answer, { status: 404, code: 'BOOKING_NOT_FOUND' });
        seen.add(JSON.stringify([[...answer.headers].filter(([name]) => name !== 'date'), answer.body]));
      }
    }
    expect(seen.size).toBe(1);
    expect((await payments.core.getBooking({ bookingId, ownedBy: anyone })).status).toBe('PENDING');
  });

  it('another user’s booking is unknown also once it is sold, released or expired', async () => {
    const sold = await holdAs('ani');
    await confirm(sold, as('ani'));
    const released = await holdAs('ani');
    await payments.core.releaseBooking({ bookingId: released, ownedBy: anyone, actor: 'test' });
    const seatIds = await payments.makeEvent(1);
    const expired = (await payments.brief.holdSeats({ seatIds, userId: 'ani' })).id;
    for (const id of [sold, released, expired]) {
      expectProblem(await confirm(id, as('budi')), { status: 404, code: 'BOOKING_NOT_FOUND' });
    }
  });

  it.each([
    ['a request without a token', () => ({})],
    ['an expired token', () => bearer(sign({ exp: now() - 60 }, secret))],
    ['a token of the future', () => bearer(sign({ nbf: now() + 60 }, secret))],
    ['a token for others', () => bearer(sign({ aud: 'elsewhere' }, secret))],
    ['a token with another secret', () => bearer(sign({}, `${secret}x`))],
    ['an unsigned token', () => bearer(sign({}))],
  ])('a confirm is refused for %s', async (_name, headers) => {
    const bookingId = await holdAs('ani');
    expectProblem(await confirm(bookingId, headers()), { status: 401, code: 'UNAUTHENTICATED' });
    expect((await payments.core.getBooking({ bookingId, ownedBy: anyone })).status).toBe('PENDING');
  });

  function sign(claims: object, key?: string) {
    const all = { ...claimsOf('ani', 'admin'), aud: 'ticketing', ...claims };
    return signToken(all, key === undefined ? {} : { key });
  }
});
