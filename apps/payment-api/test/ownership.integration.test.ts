import { randomUUID } from 'node:crypto';
import { auditViolations, claimsOf, expectProblem, operationsOf, signToken } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeApi } from '../src/describe.ts';
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

const forbidden = { status: 403, code: 'FORBIDDEN' };

/** Every kind of caller whose token has no role that confirms. */
const strangers: [string, () => Record<string, string>][] = [
  ['its owner', () => as('ani')],
  ['another user', () => as('budi')],
  ['an organizer', () => as('org', 'organizer')],
  ['a role that does not exist', () => as('ani', 'payment')],
];

it('confirming is the only route of payment-api', async () => {
  expect(operationsOf(await describeApi())).toEqual(['POST /api/v1/payment/{bookingId}/confirm']);
});

describe('confirming', () => {
  it.each(['payments', 'admin'])('a confirm is allowed for the role %s', async (role) => {
    const bookingId = await holdAs('ani');
    const { status, body } = await confirm(bookingId, as('provider', role));
    expect([status, body.status, body.userId]).toEqual([200, 'CONFIRMED', 'ani']);
  });

  it('a confirm of an unknown booking is 404 for the role payments', async () => {
    expectProblem(await confirm(randomUUID(), as('provider', 'payments')), {
      status: 404,
      code: 'BOOKING_NOT_FOUND',
    });
  });

  it.each(strangers)(
    'a confirm is FORBIDDEN for %s, and the booking stays PENDING',
    async (_name, caller) => {
      const bookingId = await holdAs('ani');
      expectProblem(await confirm(bookingId, caller()), forbidden);
      expect((await payments.core.getBooking({ bookingId, ownedBy: anyone })).status).toBe('PENDING');
    },
  );

  it('a forbidden confirm is refused before anything is looked up: all bookings get the same answer', async () => {
    const pending = await holdAs('ani');
    const sold = await holdAs('ani');
    await confirm(sold, as('provider', 'payments'));
    const released = await holdAs('ani');
    await payments.core.releaseBooking({ bookingId: released, ownedBy: anyone, actor: 'test' });
    const seatIds = await payments.makeEvent(1);
    const expired = (await payments.brief.holdSeats({ seatIds, userId: 'ani' })).id;
    const seen = new Set<string>();
    for (const id of [pending, sold, released, expired, randomUUID(), 'no-uuid']) {
      const answer = await confirm(id, { ...as('ani'), 'x-request-id': 'same' });
      expectProblem(answer, forbidden);
      seen.add(JSON.stringify([[...answer.headers].filter(([name]) => name !== 'date'), answer.body]));
    }
    expect(seen.size).toBe(1);
  });

  it.each([
    ['a malformed body', '{"amount":', { 'content-type': 'application/json' }],
    ['a body over the limit', 'x'.repeat(100_000), {}],
    ['a malformed Idempotency-Key', undefined, { 'idempotency-key': 'x'.repeat(256) }],
  ])('a forbidden confirm is refused before %s is', async (_name, body, headers) => {
    const answer = await payments.confirm(randomUUID(), body, { ...as('ani'), ...headers });
    expectProblem(answer, forbidden);
  });

  it('a forbidden confirm gets no repeated answer: the key of another caller is not looked up', async () => {
    const bookingId = await holdAs('ani');
    const key = { 'idempotency-key': randomUUID() };
    expect((await confirm(bookingId, { ...as('ani', 'payments'), ...key })).status).toBe(200);
    expectProblem(await confirm(bookingId, { ...as('ani'), ...key }), forbidden);
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
