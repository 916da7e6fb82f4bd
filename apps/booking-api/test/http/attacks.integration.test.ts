import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { auditViolations, waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiOn, openTestApi, type TestApi } from '../fixtures/test-api.ts';

const codeOf = (body: unknown) => (body as { readonly code: string }).code;

describe('a flood of holds of unknown seats', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await openTestApi();
  });
  afterAll(() => api[Symbol.asyncDispose]());

  /** Holds of two seats of events that do not exist, by many users, 50 at a time. */
  async function flood(target: TestApi, requests: number): Promise<number[]> {
    const statuses: number[] = [];
    for (let sent = 0; sent < requests; sent += 50) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => {
          const event = randomUUID().slice(0, -8);
          const seatIds = [`${event}00000001`, `${event}00000002`];
          return target.call('POST', '/api/v1/booking', { seatIds, userId: `user-${sent + n}` });
        }),
      );
      statuses.push(...answers.map(({ status }) => status));
    }
    return statuses;
  }
  const statementsOf = async ({ registry }: TestApi): Promise<number> => {
    const text = await registry.metrics();
    return Number(/^booking_commit_batch_size_count (\d+)/m.exec(text)?.[1]);
  };

  it('leaves no key in Redis after a flood of holds of unknown seats, which share statements', async () => {
    const keysBefore = await api.redis.dbsize();
    const statementsBefore = await statementsOf(api);
    const statuses = await flood(api, 500);
    // On a busy machine a few wait too long and are refused as OVERLOADED.
    expect(statuses.filter((status) => status !== 503)).toEqual(expect.arrayContaining([404]));
    expect(new Set([404, 503, ...statuses])).toEqual(new Set([404, 503]));
    expect(await api.redis.dbsize()).toBe(keysBefore);
    expect((await statementsOf(api)) - statementsBefore).toBeLessThan(250);
  });

  it('limits a flood of holds of unknown seats by its address, whatever users it names', async () => {
    const limited = await openApiOn(api.stack, {}, { limit: 5 });
    try {
      const statuses = await flood(limited, 500);
      const processed = statuses.filter((status) => status === 404);
      expect(processed.length).toBeGreaterThan(0);
      expect(processed.length).toBeLessThanOrEqual(50);
      expect(await statementsOf(limited)).toBeLessThanOrEqual(50);
      expect(await api.redis.keys('*:seat:*')).toEqual([]);
    } finally {
      await limited[Symbol.asyncDispose]();
    }
  });
});

describe('a user who holds seats and never pays', () => {
  it('keeps a user at the hold limit who releases and holds again in two processes, while Redis is flushed', async () => {
    const settings = { maxSeatsPerBooking: 4, maxHeldSeatsPerUser: 4 };
    await using api = await openTestApi(settings);
    const second = await openApiOn(api.stack, settings);
    try {
      const { seatIds } = await api.createEvent(12);
      const hold = (at: TestApi, seatId: string) =>
        at.call<{ id: string }>('POST', '/api/v1/booking', { seatId, userId: 'ani' });
      const held = () =>
        api.query<{ id: string }>(`select id from bookings where user_id = 'ani' and status = 'PENDING'`);
      for (let round = 0; round < 3; round += 1) {
        await api.redis.flushdb();
        const [oldest] = await held();
        const released = oldest === undefined ? [] : [api.call('DELETE', `/api/v1/booking/${oldest.id}`)];
        const answers = await Promise.all(
          seatIds.map((seatId, n) => hold(n % 2 === 0 ? api : second, seatId)),
        );
        await Promise.all(released);
        expect((await held()).length).toBeLessThanOrEqual(4);
        // Requests of one user wait for each other; one that waits too long is refused as OVERLOADED.
        const codes = answers.map(({ status, body }) => (status === 201 ? 'held' : codeOf(body)));
        expect(['held', 'HOLD_LIMIT_REACHED', 'SEAT_TAKEN', 'SEAT_LOCKED', 'OVERLOADED']).toEqual(
          expect.arrayContaining(codes),
        );
        for (const seatId of seatIds) await hold(api, seatId);
        expect(await held()).toHaveLength(4);
      }
      expect(await auditViolations(api.stack.databaseUrl)).toEqual([]);
    } finally {
      await second[Symbol.asyncDispose]();
    }
  });

  it('keeps a user at the hold limit who lets holds expire and holds again', async () => {
    const settings = { maxSeatsPerBooking: 4, maxHeldSeatsPerUser: 4, holdSeconds: 1 };
    await using api = await openTestApi(settings);
    const second = await openApiOn(api.stack, settings);
    try {
      const { seatIds } = await api.createEvent(12);
      const holdAll = () =>
        Promise.all(
          seatIds.map((seatId, n) =>
            (n % 2 === 0 ? api : second).call('POST', '/api/v1/booking', { seatId, userId: 'ani' }),
          ),
        );
      const held = async () => {
        const live = await api.query(
          `select from bookings where user_id = 'ani' and status = 'PENDING' and expires_at > clock_timestamp()`,
        );
        expect(live.length).toBeLessThanOrEqual(4);
        return live.length;
      };
      // No expiry-worker runs here: the user's next holds end the expired ones.
      for (let round = 0; round < 3; round += 1) {
        await waitFor(
          async () => {
            await holdAll();
            return (await held()) === 4;
          },
          { description: 'as many seats to be held as allowed' },
        );
        await waitFor(async () => (await held()) === 0, { description: 'the holds to expire' });
      }
      expect(await auditViolations(api.stack.databaseUrl)).toEqual([]);
    } finally {
      await second[Symbol.asyncDispose]();
    }
  });
});

describe('an ambiguous body', () => {
  let api: TestApi;
  let seatIds: string[];
  beforeAll(async () => {
    api = await openTestApi();
    ({ seatIds } = await api.createEvent(2));
  });
  afterAll(() => api[Symbol.asyncDispose]());
  const post = (body: string, type = 'application/json') =>
    api.call<{ userId: string; seats: { id: string }[] }>('POST', '/api/v1/booking', body, {
      'content-type': type,
    });

  it.each([
    ['__proto__', (json: string) => json.replace('}', ',"__proto__":{"userId":"budi"}}'), undefined],
    ['an escaped __proto__', (json: string) => json.replace('}', ',"\\u005f_proto__":{}}'), undefined],
    ['constructor', (json: string) => json.replace('}', ',"constructor":{"prototype":{}}}'), undefined],
    ['two JSON values', (json: string) => `${json}${json}`, undefined],
    ['a comment', (json: string) => `/* */${json}`, undefined],
    ['a NUL after the value', (json: string) => `${json}\0`, undefined],
    ['a NUL in the user', (json: string) => json.replace('ani', 'ani\\u0000'), undefined],
    ['half a surrogate pair in the user', (json: string) => json.replace('ani', '\\ud800'), undefined],
    ['a member name in another case', (json: string) => json.replace('userId', 'userid'), undefined],
    ['a number beyond the range of numbers', (json: string) => json.replace('"ani"', '1e400'), undefined],
    ['NaN', (json: string) => json.replace('"ani"', 'NaN'), undefined],
    ['8,000 nested lists', () => '['.repeat(8_000) + ']'.repeat(8_000), undefined],
    [
      '2,500 nested objects',
      (json: string) => json.replace('}', `,"a":${'{"a":'.repeat(2_500)}1${'}'.repeat(2_500)}}`),
      undefined,
    ],
    ['UTF-16', (json: string) => Buffer.from(json, 'utf16le').toString('latin1'), undefined],
    ['a form', () => `seatId=${seatIds[0]}&userId=ani`, 'application/x-www-form-urlencoded'],
    ['JSON declared as a form', (json: string) => json, 'multipart/form-data; boundary=x'],
    ['JSON under an unknown media type', (json: string) => json, 'application/json+x'],
    ['JSON after a tab in the media type', (json: string) => json, 'text/plain\tapplication/json'],
    ['JSON beside another media type', (json: string) => json, 'text/plain, application/json'],
  ])('refuses a hold request with %s, and holds nothing', async (_what, spoil, type) => {
    const answer = await post(spoil(`{"seatId":"${seatIds[0]}","userId":"ani"}`), type);
    expect([400, 415]).toContain(answer.status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await api.query('select from bookings')).toEqual([]);
  });

  it.each([
    ['a valid request', (json: string) => gzipSync(json)],
    ['a request with ten million spaces', (json: string) => gzipSync(json + ' '.repeat(10_000_000))],
  ])('does not unpack a compressed body: %s', async (_what, compress) => {
    const answer = await fetch(`${api.url}/api/v1/booking`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: compress(`{"seatId":"${seatIds[0]}","userId":"ani"}`),
    });
    expect({ status: answer.status, code: codeOf(await answer.json()) }).toEqual({
      status: 415,
      code: 'UNSUPPORTED_MEDIA_TYPE',
    });
    expect(await api.query('select from bookings')).toEqual([]);
  });

  it('takes the last of two equal members, for the booking and for its limits', async () => {
    const [first, last] = seatIds;
    const { status, body } = await post(
      `{"seatId":"${first}","userId":"ani","seatId":"${last}","userId":"budi"}`,
    );
    expect(status).toBe(201);
    expect({ userId: body.userId, seats: body.seats.map(({ id }) => id) }).toEqual({
      userId: 'budi',
      seats: [last],
    });
    expect(await api.query('select user_id from bookings')).toEqual([{ user_id: 'budi' }]);
  });

  // RFC 8259 lets a reader ignore the mark; the meaning of the body is the same either way.
  it('ignores a byte order mark before a body', async () => {
    const { status, body } = await post(`\ufeff{"seatId":"${seatIds[0]}","userId":"ani"}`);
    expect(status).toBe(201);
    expect({ userId: body.userId, seats: body.seats.map(({ id }) => id) }).toEqual({
      userId: 'ani',
      seats: [seatIds[0]],
    });
  });
});
