import { setTimeout as sleep } from 'node:timers/promises';
import {
  auditViolations,
  createTestStack,
  makeEvent,
  type RunningService,
  startService,
  type TestStack,
  waitFor,
  withinDeadline,
} from '@ticketing/testkit';
import { openSeatCore, type SeatCore } from '@ticketing/seat-core';
import { openDatabase, type Database } from '@ticketing/seat-core/clients';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BookingBody } from '../fixtures/test-api.ts';

let stack: TestStack;
let core: SeatCore;
let database: Database;
let bookingApis: RunningService[];
let paymentApis: RunningService[];
let workers: RunningService[];

beforeAll(async () => {
  stack = await createTestStack();
  const { databaseUrl, serviceUrl, redisUrl } = stack;
  core = await openSeatCore({ databaseUrl: serviceUrl, redisUrl });
  database = openDatabase({ databaseUrl, poolMax: 1 });
  const env = { DATABASE_URL: serviceUrl, REDIS_URL: redisUrl, HOLD_SECONDS: '1', RATE_LIMIT_MAX: '0' };
  const pair = (name: RunningService['name']) =>
    Promise.all([startService(name, env), startService(name, env)]);
  [bookingApis, paymentApis, workers] = await Promise.all([
    pair('booking-api'),
    pair('payment-api'),
    pair('expiry-worker'),
  ]);
});
afterAll(async () => {
  for (const service of [...bookingApis, ...paymentApis, ...workers]) await service[Symbol.asyncDispose]();
  await core[Symbol.asyncDispose]();
  await database.$client.end();
  await stack.dispose();
});

const createSeats = async (seats: number) => (await makeEvent(core, { seats })).seatIds;

const anyOf = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)]!;

/** The outcome of one request: an answer, or none. */
interface Outcome {
  readonly url: string;
  readonly startedAt: number;
  readonly status: number | 'no answer';
  readonly code: string | undefined;
  readonly body: BookingBody | undefined;
}

async function send(method: string, url: string, json?: object): Promise<Outcome> {
  const startedAt = performance.now();
  const init = {
    method,
    ...(json && { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }),
  };
  try {
    const response = await fetch(url, init);
    const body = (await response.json()) as BookingBody & { code?: string };
    return { url, startedAt, status: response.status, code: body.code, body };
  } catch {
    return { url, startedAt, status: 'no answer', code: undefined, body: undefined };
  }
}

/**
 * Buyers who hold one or two random seats and then pay, release or forget, each request to a random process, until
 * the sale is closed.
 */
function openSale(seatIds: readonly string[], buyers: number) {
  const outcomes: Outcome[] = [];
  const closing = new AbortController();
  const record = async (work: Promise<Outcome>) => {
    const outcome = await work;
    outcomes.push(outcome);
    return outcome;
  };
  const buy = async (userId: string) => {
    while (!closing.signal.aborted) {
      const requested = [...new Set([anyOf(seatIds), anyOf(seatIds)])].slice(0, Math.random() < 0.5 ? 1 : 2);
      const held = await record(
        send('POST', `${anyOf(bookingApis).url}/api/v1/booking`, { seatIds: requested, userId }),
      );
      // The process has just been stopped.
      if (held.status === 'no answer') await sleep(20);
      if (held.status !== 201) continue;
      const { id } = held.body!;
      const mood = Math.random();
      if (mood < 0.4) await record(send('POST', `${anyOf(paymentApis).url}/api/v1/payment/${id}/confirm`));
      else if (mood < 0.7) await record(send('DELETE', `${anyOf(bookingApis).url}/api/v1/booking/${id}`));
    }
  };
  const all = Promise.all(Array.from({ length: buyers }, (_, index) => buy(`buyer-${index}`)));
  const close = async () => {
    closing.abort();
    await all;
    return outcomes;
  };
  // Disposed also when the test fails: its buyers must not go on during the next test.
  return { outcomes, close, [Symbol.asyncDispose]: async () => void (await close()) };
}

const countOf = async (table: 'seats' | 'bookings', status: string) => {
  const { rows } = await database.$client.query<{ n: number }>(
    `select count(*)::int as n from ${table} where status = $1`,
    [status],
  );
  return rows[0]!.n;
};

const ticketsSold = async (service: RunningService) => {
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  return Number(/^tickets_sold_total (\d+)$/m.exec(metrics)?.[1]);
};

async function everyHoldEnds() {
  await waitFor(async () => (await countOf('bookings', 'PENDING')) === 0, {
    description: 'every forgotten hold to end',
  });
  expect(await countOf('seats', 'RESERVED')).toBe(0);
}

describe('two of each service', () => {
  it('two of each service sell each seat once under load, free forgotten holds and count each ticket once', async () => {
    await using sale = openSale(await createSeats(400), 16);
    // By then some seats were held more than once, and most are not sold yet.
    await waitFor(() => sale.outcomes.filter(({ status }) => status === 201).length > 250, {
      description: '250 holds',
      timeoutMs: 10_000,
    });
    const outcomes = await sale.close();
    await everyHoldEnds();

    const refused = outcomes.filter(({ status }) => status !== 201 && status !== 200);
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([400]));
    // A hold of a second may end before its buyer pays or releases it.
    const lostRaces = ['SEAT_TAKEN', 'SEAT_LOCKED', 'BOOKING_EXPIRED', 'BOOKING_NOT_PENDING'];
    const codes = new Set(refused.map(({ code }) => code));
    for (const code of codes) expect(lostRaces).toContain(code);
    expect(codes).toContain('SEAT_TAKEN');

    const paid = outcomes.flatMap(({ status, body }) =>
      status === 200 && body?.status === 'CONFIRMED' ? body.seats.map(({ id }) => id) : [],
    );
    expect(new Set(paid).size).toBe(paid.length);
    expect(await countOf('seats', 'SOLD')).toBe(paid.length);
    const counted = await Promise.all(paymentApis.map(ticketsSold));
    expect(counted[0]! + counted[1]!).toBe(paid.length);
    expect(await auditViolations(stack.databaseUrl)).toEqual([]);
  });

  it('two of each service lose no request when one of each stops under load, within 5 s', async () => {
    await using sale = openSale(await createSeats(400), 16);
    await waitFor(() => sale.outcomes.length > 100, { description: 'the sale to be under way' });
    const stopping = [bookingApis[0]!, paymentApis[0]!, workers[0]!];
    const stoppedAt = performance.now();
    const exits = await Promise.all(
      stopping.map((service) => withinDeadline(`${service.name} stops`, 5_000, () => service.stop())),
    );
    expect(exits).toEqual(stopping.map(() => ({ code: 0, signal: null })));
    const before = sale.outcomes.length;
    await waitFor(() => sale.outcomes.length > before + 100, { description: 'the sale to go on' });
    const outcomes = await sale.close();

    const lost = outcomes.filter(({ status }) => status === 'no answer');
    for (const { url, startedAt } of lost) {
      expect(stopping.some((service) => url.startsWith(service.url))).toBe(true);
      expect(startedAt).toBeGreaterThan(stoppedAt);
    }
    expect(outcomes.filter(({ status }) => typeof status === 'number' && status >= 500)).toEqual([]);
    await everyHoldEnds();
    expect(await auditViolations(stack.databaseUrl)).toEqual([]);
    for (const service of stopping) {
      expect(service.logRecords().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    }
  });
});
