import { randomUUID } from 'node:crypto';
import { auditViolations, claimsOf, expectProblem, signToken } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestPayments, type TestPayments } from './fixtures/test-payments.ts';
import { anyone } from '@ticketing/seat-core';

const secret = 'a secret that is long enough for anybody';
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
  ])('is open to %s', async (_name, caller) => {
    const bookingId = await holdAs('ani');
    const { status, body } = await confirm(bookingId, caller());
    expect([status, body.status, body.userId]).toEqual([200, 'CONFIRMED', 'ani']);
  });

  it('somebody else’s booking is answered as one that does not exist', async () => {
    const bookingId = await holdAs('ani');
    const unknown = randomUUID();
    const told = new Set<string>();
    for (const id of [bookingId, unknown]) {
      for (const caller of [as('budi'), as('org', 'organizer')]) {
        const answer = await confirm(id, { ...caller, 'x-request-id': 'same' });
        expectProblem(answer, { status: 404, code: 'BOOKING_NOT_FOUND' });
        told.add(JSON.stringify([[...answer.headers].filter(([name]) => name !== 'date'), answer.body]));
      }
    }
    expect(told.size).toBe(1);
    expect((await payments.core.getBooking({ bookingId, ownedBy: anyone })).status).toBe('PENDING');
  });

  it('somebody else’s booking is not there either once it is sold, given back or expired', async () => {
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
    ['nobody', () => ({})],
    ['an expired token', () => bearer(sign({ exp: now() - 60 }, secret))],
    ['a token of the future', () => bearer(sign({ nbf: now() + 60 }, secret))],
    ['a token for others', () => bearer(sign({ aud: 'elsewhere' }, secret))],
    ['a token with another secret', () => bearer(sign({}, `${secret}x`))],
    ['an unsigned token', () => bearer(sign({}))],
  ])('is not for %s', async (_name, headers) => {
    const bookingId = await holdAs('ani');
    expectProblem(await confirm(bookingId, headers()), { status: 401, code: 'UNAUTHENTICATED' });
    expect((await payments.core.getBooking({ bookingId, ownedBy: anyone })).status).toBe('PENDING');
  });

  function sign(claims: object, key?: string) {
    const all = { ...claimsOf('ani', 'admin'), aud: 'ticketing', ...claims };
    return signToken(all, key === undefined ? {} : { key });
  }
});
