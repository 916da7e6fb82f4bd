import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { auditViolations, waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiOn, openTestApi, type TestApi } from '../fixtures/test-api.ts';

const codeOf = (body: unknown) => (body as { readonly code: string }).code;

describe('a flood of seats that do not exist', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await openTestApi();
  });
  afterAll(() => api[Symbol.asyncDispose]());

  /** Many users, each with seats of their own invention, 50 at a time. */
  async function flood(target: TestApi, requests: number): Promise<number[]> {
    const statuses: number[] = [];
    for (let sent = 0; sent < requests; sent += 50) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          target.call('POST', '/api/v1/booking', {
            seatIds: [randomUUID(), randomUUID()],
            userId: `user-${sent + n}`,
          }),
        ),
      );
      statuses.push(...answers.map(({ status }) => status));
    }
    return statuses;
  }
  const statementsOf = async ({ registry }: TestApi): Promise<number> => {
    const text = await registry.metrics();
    return Number(/^booking_commit_batch_size_count (\d+)/m.exec(text)?.[1]);
  };

  it('leaves no key behind, and shares its statements', async () => {
    const keysBefore = await api.redis.dbsize();
    const statementsBefore = await statementsOf(api);
    const statuses = await flood(api, 500);
    // On a busy machine a few wait too long and are told to come back.
    expect(statuses.filter((status) => status !== 503)).toEqual(expect.arrayContaining([404]));
    expect(new Set([404, 503, ...statuses])).toEqual(new Set([404, 503]));
    expect(await api.redis.dbsize()).toBe(keysBefore);
    expect((await statementsOf(api)) - statementsBefore).toBeLessThan(250);
  });

  it('is cut off by the limit of its address, whoever it says it is', async () => {
    const limited = await openApiOn(api.stack, {}, { limit: 5 });
    try {
      const statuses = await flood(limited, 500);
      const judged = statuses.filter((status) => status === 404);
      expect(judged.length).toBeGreaterThan(0);
      expect(judged.length).toBeLessThanOrEqual(50);
      expect(await statementsOf(limited)).toBeLessThanOrEqual(50);
      expect(await api.redis.keys('*:seat:*')).toEqual([]);
    } finally {
      await limited[Symbol.asyncDispose]();
    }
  });
});

describe('a user who holds and never pays', () => {
  it('has no more seats than the cap, whatever is given back and taken again, while Redis forgets', async () => {
    const settings = { maxHeldSeatsPerUser: 4 };
    await using api = await openTestApi(settings);
    const second = await openApiOn(api.stack, settings);
    try {
      const { seatIds } = await api.createEvent(12);
      const take = (at: TestApi, seatId: string) =>
        at.call<{ id: string }>('POST', '/api/v1/booking', { seatId, userId: 'hoarder' });
      const held = () =>
        api.query<{ id: string }>(`select id from bookings where user_id = 'hoarder' and status = 'PENDING'`);
      for (let round = 0; round < 3; round += 1) {
        await api.redis.flushdb();
        const [gone] = await held();
        const released = gone === undefined ? [] : [api.call('DELETE', `/api/v1/booking/${gone.id}`)];
        const answers = await Promise.all(
          seatIds.map((seatId, n) => take(n % 2 === 0 ? api : second, seatId)),
        );
        await Promise.all(released);
        expect((await held()).length).toBeLessThanOrEqual(4);
        // A crowd of one user waits for itself; what waits too long is told to come back.
        const codes = answers.map(({ status, body }) => (status === 201 ? 'held' : codeOf(body)));
        expect(['held', 'HOLD_LIMIT_REACHED', 'SEAT_TAKEN', 'SEAT_LOCKED', 'OVERLOADED']).toEqual(
          expect.arrayContaining(codes),
        );
        for (const seatId of seatIds) await take(api, seatId);
        expect(await held()).toHaveLength(4);
      }
      expect(await auditViolations(api.stack.databaseUrl)).toEqual([]);
    } finally {
      await second[Symbol.asyncDispose]();
    }
  });

  it('has no more seats than the cap, however often they are left to lapse and taken again', async () => {
    const settings = { maxHeldSeatsPerUser: 4, holdSeconds: 1 };
    await using api = await openTestApi(settings);
    const second = await openApiOn(api.stack, settings);
    try {
      const { seatIds } = await api.createEvent(12);
      const takeAll = () =>
        Promise.all(
          seatIds.map((seatId, n) =>
            (n % 2 === 0 ? api : second).call('POST', '/api/v1/booking', { seatId, userId: 'hoarder' }),
          ),
        );
      const held = async () => {
        const live = await api.query(
          `select from bookings where user_id = 'hoarder' and status = 'PENDING' and expires_at > clock_timestamp()`,
        );
        expect(live.length).toBeLessThanOrEqual(4);
        return live.length;
      };
      // Nothing cleans up here: what has lapsed is taken anew by its own hoarder.
      for (let round = 0; round < 3; round += 1) {
        await waitFor(
          async () => {
            await takeAll();
            return (await held()) === 4;
          },
          { description: 'as many seats to be held as may be' },
        );
        await waitFor(async () => (await held()) === 0, { description: 'the holds to lapse' });
      }
      expect(await auditViolations(api.stack.databaseUrl)).toEqual([]);
    } finally {
      await second[Symbol.asyncDispose]();
    }
  });
});

describe('a body that two readers may read in two ways', () => {
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
    ['__proto__', (wish: string) => wish.replace('}', ',"__proto__":{"userId":"budi"}}'), undefined],
    ['an escaped __proto__', (wish: string) => wish.replace('}', ',"\\u005f_proto__":{}}'), undefined],
    ['constructor', (wish: string) => wish.replace('}', ',"constructor":{"prototype":{}}}'), undefined],
    ['two values', (wish: string) => `${wish}${wish}`, undefined],
    ['a comment', (wish: string) => `/* */${wish}`, undefined],
    ['a NUL behind the value', (wish: string) => `${wish}\0`, undefined],
    ['a NUL in the user', (wish: string) => wish.replace('ani', 'ani\\u0000'), undefined],
    ['half a surrogate pair in the user', (wish: string) => wish.replace('ani', '\\ud800'), undefined],
    ['a member in other letters', (wish: string) => wish.replace('userId', 'userid'), undefined],
    ['a number beyond all numbers', (wish: string) => wish.replace('"ani"', '1e400'), undefined],
    ['what is not a number', (wish: string) => wish.replace('"ani"', 'NaN'), undefined],
    ['lists within each other', () => '['.repeat(8_000) + ']'.repeat(8_000), undefined],
    [
      'objects within each other',
      (wish: string) => wish.replace('}', `,"a":${'{"a":'.repeat(2_500)}1${'}'.repeat(2_500)}}`),
      undefined,
    ],
    ['UTF-16', (wish: string) => Buffer.from(wish, 'utf16le').toString('latin1'), undefined],
    ['a form', () => `seatId=${seatIds[0]}&userId=ani`, 'application/x-www-form-urlencoded'],
    ['JSON that is said to be a form', (wish: string) => wish, 'multipart/form-data; boundary=x'],
    ['JSON under another name', (wish: string) => wish, 'application/json+x'],
    ['JSON behind a tab', (wish: string) => wish, 'text/plain\tapplication/json'],
    ['JSON beside another type', (wish: string) => wish, 'text/plain, application/json'],
  ])('is refused, and nothing is held: %s', async (_what, spoil, type) => {
    const answer = await post(spoil(`{"seatId":"${seatIds[0]}","userId":"ani"}`), type);
    expect([400, 415]).toContain(answer.status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await api.query('select from bookings')).toEqual([]);
  });

  it.each([
    ['what it would be', (wish: string) => gzipSync(wish)],
    ['ten million spaces', (wish: string) => gzipSync(wish + ' '.repeat(10_000_000))],
  ])('is not unpacked when it is compressed: %s', async (_what, compress) => {
    const answer = await fetch(`${api.url}/api/v1/booking`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: compress(`{"seatId":"${seatIds[0]}","userId":"ani"}`),
    });
    expect({ status: answer.status, code: codeOf(await answer.json()) }).toEqual({
      status: 400,
      code: 'VALIDATION_FAILED',
    });
    expect(await api.query('select from bookings')).toEqual([]);
  });

  it('means its last member where one is there twice, to the booking and to its limits alike', async () => {
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

  // RFC 8259 leaves it to the reader whether it ignores one; what the body says is the same either way.
  it('means the same behind a byte order mark', async () => {
    const { status, body } = await post(`\ufeff{"seatId":"${seatIds[0]}","userId":"ani"}`);
    expect(status).toBe(201);
    expect({ userId: body.userId, seats: body.seats.map(({ id }) => id) }).toEqual({
      userId: 'ani',
      seats: [seatIds[0]],
    });
  });
});
