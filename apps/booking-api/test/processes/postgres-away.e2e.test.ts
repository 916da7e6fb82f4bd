import {
  auditViolations,
  createPrivateStack,
  makeEvent,
  type PrivateStack,
  type RunningService,
  startService,
  waitFor,
  withinDeadline,
} from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { BookingBody } from '../fixtures/test-api.ts';

/* The built services during an outage of PostgreSQL, as a buyer and a load balancer see them. */

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
  seatIds = [...(await makeEvent(bookingApi, { seats: 500 })).seatIds];
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

const unavailable = { status: 503, retryAfter: '1', code: 'DEPENDENCY_UNAVAILABLE' };
const refusalOf = ({ status, retryAfter, body: { code } }: BookingAnswer) => ({ status, retryAfter, code });

async function expectRefusedInTime(what: string, send: () => Promise<BookingAnswer>): Promise<void> {
  const answer = await withinDeadline(`${what} while PostgreSQL is down`, 1_000, send);
  expect(refusalOf(answer)).toEqual(unavailable);
}

async function expectUnready(): Promise<void> {
  for (const { url } of [bookingApi, paymentApi]) {
    const answer = await withinDeadline('readiness while PostgreSQL is down', 1_000, () =>
      fetch(`${url}/health/ready`),
    );
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ status: 'unavailable', parts: [{ name: 'postgresql' }] });
  }
}

/** Confirms a hold that was made before the outage, and a new one. */
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

it('booking-api and payment-api refuse within a second after PostgreSQL was killed, and sell within 2 s of its return', async () => {
  const { body: held } = await hold();
  await stack.postgres.kill();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await expectRefusedInTime('a hold', hold);
    await expectRefusedInTime('a confirmation', () => confirm(held));
  }
  await expectUnready();
  await stack.postgres.start();
  await withinDeadline('selling again after PostgreSQL returned', 2_000, sellsAgain(held));
  await untilReady();
});

it('booking-api and payment-api refuse within 2 s, then within one, while PostgreSQL is frozen, and sell within 2 s of its thaw', async () => {
  const { body: held } = await hold();
  await stack.postgres.freeze();
  try {
    const first = await withinDeadline('the first answers while PostgreSQL is frozen', 2_000, () =>
      Promise.all(Array.from({ length: 10 }, () => [hold(), confirm(held)]).flat()),
    );
    // A request that found no free connection waited for one and ran no statement.
    for (const answer of first) {
      expect([unavailable, { ...unavailable, code: 'OVERLOADED' }]).toContainEqual(refusalOf(answer));
    }
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expectRefusedInTime('a hold', hold);
      await expectRefusedInTime('a confirmation', () => confirm(held));
    }
    await expectUnready();
  } finally {
    await stack.postgres.thaw();
  }
  await withinDeadline('selling again after PostgreSQL thawed', 2_000, sellsAgain(held));
  await untilReady();
});
