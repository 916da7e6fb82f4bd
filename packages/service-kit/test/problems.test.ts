import { SeatCoreError, seatErrorCodes, type SeatErrorDetails } from '@ticketing/seat-core/errors';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { problemSchema, renderProblem } from '../src/problems/problem-body.ts';
import { problems, problemTable, type ProblemCode } from '../src/problems/problem-table.ts';
import { buildService } from './fixtures/build-service.ts';

const codes = Object.keys(problems) as ProblemCode[];
const isProblem = new Ajv().compile(problemSchema);

const seatId = '0199a0de-0000-7000-8000-000000000001';
const detailsOf: Partial<Record<ProblemCode, SeatErrorDetails>> = {
  VALIDATION_FAILED: { errors: [{ pointer: '/seatIds/1', detail: 'is there twice' }] },
  SEAT_TAKEN: { seatIds: [seatId] },
  SALES_NOT_OPEN: { opensAt: new Date('2027-01-07T12:30:00Z'), opensInSeconds: 60 },
  BOOKING_NOT_PENDING: { bookingStatus: 'CANCELLED' },
};

const retryableCodes: ReadonlySet<ProblemCode> = new Set([
  'SEAT_LOCKED',
  'SALES_NOT_OPEN',
  'IDEMPOTENCY_KEY_IN_PROGRESS',
  'RATE_LIMITED',
  'OVERLOADED',
  'DEPENDENCY_UNAVAILABLE',
]);

test.each(codes.flatMap((code) => [[code, 'en'] as const, [code, 'id'] as const]))(
  '%s in %s is a problem (RFC 9457) with its own sentence',
  (code, language) => {
    const { status, headers, body } = renderProblem(code, detailsOf[code] ?? {}, {
      requestId: 'r-1',
      language,
    });
    const problem = JSON.parse(body) as Record<string, unknown>;
    const isRetryable = retryableCodes.has(code);

    expect(isProblem(problem)).toBe(true);
    expect(problem).toEqual({
      type: `urn:ticketing:fault:${code.toLowerCase().replaceAll('_', '-')}`,
      title: problems[code].title,
      status,
      detail: problems[code].detail[language],
      code,
      retryable: isRetryable,
      requestId: 'r-1',
      ...(code === 'SALES_NOT_OPEN' ? { opensAt: '2027-01-07T12:30:00.000Z' } : detailsOf[code]),
    });
    expect(headers).toMatchObject({
      'content-type': 'application/problem+json',
      'content-language': language,
      'cache-control': 'no-store',
    });
    // Only the limiter knows how long a limit lasts: rate-limits.test.ts.
    const hasRetryAfter = isRetryable && code !== 'RATE_LIMITED';
    const seconds = String(detailsOf[code]?.opensInSeconds ?? 1);
    expect(headers['retry-after']).toBe(hasRetryAfter ? seconds : undefined);
  },
);

test('every code has its documented status', () => {
  expect(Object.fromEntries(codes.map((code) => [code, problems[code].status]))).toEqual({
    VALIDATION_FAILED: 400,
    SEAT_TAKEN: 400,
    SEAT_LOCKED: 400,
    BOOKING_NOT_PENDING: 400,
    BOOKING_EXPIRED: 400,
    HOLD_LIMIT_REACHED: 400,
    SALES_NOT_OPEN: 400,
    SALES_CLOSED: 400,
    UNAUTHENTICATED: 401,
    FORBIDDEN: 403,
    SEAT_NOT_FOUND: 404,
    BOOKING_NOT_FOUND: 404,
    EVENT_NOT_FOUND: 404,
    ROUTE_NOT_FOUND: 404,
    IDEMPOTENCY_KEY_IN_PROGRESS: 409,
    IDEMPOTENCY_KEY_REUSED: 422,
    PAYLOAD_TOO_LARGE: 413,
    UNSUPPORTED_MEDIA_TYPE: 415,
    RATE_LIMITED: 429,
    OVERLOADED: 503,
    DEPENDENCY_UNAVAILABLE: 503,
    INTERNAL: 500,
  });
});

test('SEAT_TAKEN and SEAT_LOCKED keep their Indonesian sentences word for word', () => {
  expect(problems.SEAT_TAKEN.detail.id).toBe('Kursi sudah dipesan!');
  expect(problems.SEAT_LOCKED.detail.id).toBe('Kursi sedang diproses!');
});

test.each(seatErrorCodes)('seat-core and the problem table agree whether %s is retryable', (code) => {
  expect(problems[code].retryable).toBe(
    new SeatCoreError(...([code, ''] as ConstructorParameters<typeof SeatCoreError>)).retryable,
  );
});

test('answers a SeatCoreError with its details, and logs no error', async () => {
  const { app, lines } = buildService((service) => {
    service.get('/taken', () => {
      throw new SeatCoreError('SEAT_TAKEN', 'internal words', { seatIds: [seatId] });
    });
    service.get('/locked', async () => {
      await Promise.reject(new SeatCoreError('SEAT_LOCKED', 'internal words'));
    });
  });

  const taken = await app.inject({ url: '/taken', headers: { 'accept-language': 'id-ID, en;q=0.5' } });
  expect(taken.statusCode).toBe(400);
  expect(taken.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'content-language': 'id',
    vary: 'accept-language',
  });
  expect(taken.json()).toMatchObject({
    code: 'SEAT_TAKEN',
    detail: 'Kursi sudah dipesan!',
    seatIds: [seatId],
    requestId: taken.headers['x-request-id'],
  });

  const locked = await app.inject('/locked');
  expect(locked.headers['retry-after']).toBe('1');
  expect(locked.json()).toMatchObject({ code: 'SEAT_LOCKED', retryable: true });

  expect(taken.body + locked.body).not.toContain('internal words');
  expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  expect(lines.map((line) => line['outcome'])).toEqual(['SEAT_TAKEN', 'SEAT_LOCKED']);
});

test('a problem keeps members that the response schema of the route lacks', async () => {
  const { app } = buildService((service) => {
    const onlyTitle = { type: 'object', properties: { title: { type: 'string' } } };
    service.get('/taken', { schema: { response: { '4xx': onlyTitle } } }, () => {
      throw new SeatCoreError('SEAT_TAKEN', '', { seatIds: [seatId] });
    });
  });
  expect((await app.inject('/taken')).json()).toMatchObject({ code: 'SEAT_TAKEN', seatIds: [seatId] });
});

test('a problem adds to a Vary header that is already set', async () => {
  const { app } = buildService((service) => {
    service.get('/taken', (_request, reply) => {
      reply.header('vary', 'origin');
      throw new SeatCoreError('SEAT_TAKEN', '', { seatIds: [] });
    });
  });
  expect((await app.inject('/taken')).headers['vary']).toBe('origin, accept-language');
});

test.each([
  ['an error', () => new Error('secret reason', { cause: new Error('deeper') })],
  ['an error that claims a status', () => Object.assign(new Error('secret reason'), { statusCode: 418 })],
  ['a string', () => 'secret reason'],
  ['an object', () => ({ message: 'secret reason', statusCode: 404 })],
  ['null', () => null],
  ['undefined', () => undefined],
])(
  'an unexpected error (%s) is answered with the request id alone and logged once',
  async (_name, thrown) => {
    const { app, lines } = buildService((service) => {
      service.get('/breaks', async () => {
        await Promise.resolve();
        throw thrown();
      });
    });
    const answer = await app.inject({ url: '/breaks', headers: { 'x-request-id': 'r-7' } });
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toEqual({
      type: 'urn:ticketing:fault:internal',
      title: 'Internal error',
      status: 500,
      detail: problems.INTERNAL.detail.en,
      code: 'INTERNAL',
      retryable: false,
      requestId: 'r-7',
    });
    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ requestId: 'r-7', msg: 'unexpected error' });
  },
);

test('logs the cause of an unexpected error', async () => {
  const { app, lines } = buildService((service) => {
    service.get('/breaks', () => {
      throw new Error('outer', { cause: Object.assign(new Error('inner'), { code: 'ECONNREFUSED' }) });
    });
  });
  await app.inject('/breaks');
  expect(lines.find(({ level }) => level === 'error')).toMatchObject({
    err: { message: 'outer', cause: { message: 'inner', code: 'ECONNREFUSED' } },
  });
});

test('an answer that does not fit its response schema is INTERNAL', async () => {
  const { app } = buildService((service) => {
    const schema = { type: 'object', required: ['id'], properties: { id: { type: 'string' } } };
    service.get('/misfit', { schema: { response: { 200: schema } } }, () => ({}));
  });
  const answer = await app.inject('/misfit');
  expect(answer.statusCode).toBe(500);
  expect(answer.json()).toMatchObject({ code: 'INTERNAL' });
});

test('the problem table has a row for every code', () => {
  const table = problemTable();
  for (const code of codes) expect(table).toContain(`| \`${code}\` | ${problems[code].status} |`);
  expect(table).toContain('| `SEAT_LOCKED` | 400 | yes, `Retry-After: 1` |');
  expect(table.trim().split('\n')).toHaveLength(codes.length + 2);
});

const unreadable = { type: 'object', properties: { at: { type: 'string', format: 'date-time' } } } as const;

/** POST and DELETE take an Idempotency-Key; GET changes nothing. */
test.each([
  ['POST', true],
  ['DELETE', true],
  ['GET', false],
] as const)(
  'an unexpected error in the handler of a %s has an unknown outcome: %s',
  async (method, isUnknown) => {
    const { app } = buildService((service) => {
      service.route({
        method,
        url: '/breaks',
        handler: () => Promise.reject(new Error('no commit is safe')),
      });
      service.route({
        method,
        url: '/unreadable',
        schema: { response: { 200: unreadable } },
        handler: () => Promise.resolve({ at: { toISOString: 7 } }),
      });
      service.addHook('onSend', (request, reply, _payload, done) => {
        if (request.url === '/late' && reply.statusCode === 200) throw new Error('after the handler');
        done();
      });
      service.route({ method, url: '/late', handler: () => Promise.resolve({ ok: true }) });
    });
    for (const url of ['/breaks', '/unreadable', '/late']) {
      const answer = await app.inject({ method, url });
      expect([url, answer.statusCode, answer.json()]).toEqual([
        url,
        500,
        {
          type: 'urn:ticketing:fault:internal',
          title: 'Internal error',
          status: 500,
          detail: problems.INTERNAL.detail.en,
          code: 'INTERNAL',
          retryable: isUnknown,
          requestId: answer.headers['x-request-id'],
          ...(isUnknown && { outcome: 'unknown' }),
        },
      ]);
    }
  },
);

test('an unexpected error before the handler of a POST had no effect: it has no outcome, and is not retryable', async () => {
  const { app } = buildService((service) => {
    service.addHook('preValidation', (_request, _reply, done) => done(new Error('before the handler')));
    service.post('/never', () => Promise.resolve({}));
  });
  const answer = await app.inject({ method: 'POST', url: '/never' });
  expect(answer.statusCode).toBe(500);
  expect(answer.json()).toMatchObject({ code: 'INTERNAL', retryable: false });
  expect(answer.json()).not.toHaveProperty('outcome');
});

test('a refusal in the handler of a POST keeps its own outcome', async () => {
  const { app } = buildService((service) => {
    service.post('/refuses', () => Promise.reject(new SeatCoreError('SEAT_LOCKED', 'busy')));
  });
  const answer = await app.inject({ method: 'POST', url: '/refuses' });
  expect(answer.json()).toMatchObject({ code: 'SEAT_LOCKED' });
  expect(answer.json()).not.toHaveProperty('outcome');
});
