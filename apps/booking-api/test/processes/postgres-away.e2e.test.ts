import {
  auditViolations,
  createPrivateStack,
  startService,
  waitFor,
  withinDeadline,
  type PrivateStack,
  type RunningService,
} from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { BookingBody, EventBody, SeatBody } from '../fixtures/test-api.ts';

/* The built services while their PostgreSQL is away: what a buyer and a load balancer see. */

let stack: PrivateStack;
let bookingApi: RunningService;
let paymentApi: RunningService;
let seatIds: string[];

beforeAll(async () => {
  stack = await createPrivateStack();
  const env = { DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl, RATE_LIMIT_MAX: '0' };
  [bookingApi, paymentApi] = await Promise.all([
    startService('booking-api', env),
    startService('payment-api', env),
  ]);
  const { body } = await post<EventBody>(`${bookingApi.url}/api/v1/events`, {
    name: 'Konser',
    venue: 'Istora',
    startsAt: new Date(Date.now() + 86_400_000).toISOString(),
    sections: [
      { name: 'Tribun', price: { amount: 150_000, currency: 'IDR' }, rows: [{ name: 'A', seats: 500 }] },
    ],
  });
  const map = await fetch(`${bookingApi.url}/api/v1/events/${body.id}/seats`);
  seatIds = ((await map.json()) as { seats: SeatBody[] }).seats.map(({ id }) => id);
});
afterEach(async () => expect(await auditViolations(stack.databaseUrl)).toEqual([]));
afterAll(async () => {
  for (const service of [bookingApi, paymentApi]) await service[Symbol.asyncDispose]();
  await stack.dispose();
});

interface Answer<Body> {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Body;
}

async function post<Body>(url: string, json?: object): Promise<Answer<Body>> {
  const init = json && { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } };
  const response = await fetch(url, { method: 'POST', ...init });
  const retryAfter = response.headers.get('retry-after');
  return { status: response.status, retryAfter, body: (await response.json()) as Body };
}

type BookingAnswer = Answer<BookingBody & { readonly code?: string }>;

const hold = (): Promise<BookingAnswer> => {
  const seatId = seatIds.pop()!;
  return post(`${bookingApi.url}/api/v1/booking`, { seatId, userId: `user-${seatId}` });
};
const confirm = ({ id }: { readonly id: string }): Promise<BookingAnswer> =>
  post(`${paymentApi.url}/api/v1/payment/${id}/confirm`);

const isAway = { status: 503, retryAfter: '1', code: 'DEPENDENCY_UNAVAILABLE' };
const faultOf = ({ status, retryAfter, body: { code } }: BookingAnswer) => ({ status, retryAfter, code });

async function expectSaidInTime(what: string, ask: () => Promise<BookingAnswer>): Promise<void> {
  const answer = await withinDeadline(`${what} while PostgreSQL is away`, 1_000, ask);
  expect(faultOf(answer)).toEqual(isAway);
}

async function expectUnready(): Promise<void> {
  for (const { url } of [bookingApi, paymentApi]) {
    const answer = await withinDeadline('readiness while PostgreSQL is away', 1_000, () =>
      fetch(`${url}/health/ready`),
    );
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ status: 'unavailable', parts: [{ name: 'postgresql' }] });
  }
}

/** A hold that was there before is paid, and so is a new one. */
const sellsAgain = (held: BookingBody) => async () => {
  const sold = async (booking: BookingBody) => (await confirm(booking)).body.status === 'CONFIRMED';
  await waitFor(() => sold(held), { description: 'the hold to be paid' });
  const { body } = await waitFor(
    async () => {
      const answer = await hold();
      return answer.status === 201 ? answer : undefined;
    },
    { description: 'a hold to be made' },
  );
  await waitFor(() => sold(body), { description: 'the new hold to be paid' });
};

const untilReady = () =>
  waitFor(
    async () => {
      const answers = await Promise.all(
        [bookingApi, paymentApi].map(({ url }) => fetch(`${url}/health/ready`)),
      );
      return answers.every(({ status }) => status === 200);
    },
    { description: 'both services to be ready' },
  );

it('say in under a second that PostgreSQL was killed, and sell again within 2 s of its return', async () => {
  const { body: held } = await hold();
  await stack.postgres.kill();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await expectSaidInTime('a hold', hold);
    await expectSaidInTime('a confirmation', () => confirm(held));
  }
  await expectUnready();
  await stack.postgres.start();
  await withinDeadline('selling again after PostgreSQL returned', 2_000, sellsAgain(held));
  await untilReady();
});

it('say within 2 s that PostgreSQL is frozen, then in under one, and sell again within 2 s of its thaw', async () => {
  const { body: held } = await hold();
  await stack.postgres.freeze();
  try {
    const first = await withinDeadline('the first answers while PostgreSQL is frozen', 2_000, () =>
      Promise.all(Array.from({ length: 10 }, () => [hold(), confirm(held)]).flat()),
    );
    // Whoever found no connection free waited for one, and was tried not at all.
    for (const answer of first) {
      expect([isAway, { ...isAway, code: 'OVERLOADED' }]).toContainEqual(faultOf(answer));
    }
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expectSaidInTime('a hold', hold);
      await expectSaidInTime('a confirmation', () => confirm(held));
    }
    await expectUnready();
  } finally {
    await stack.postgres.thaw();
  }
  await withinDeadline('selling again after PostgreSQL thawed', 2_000, sellsAgain(held));
  await untilReady();
});
