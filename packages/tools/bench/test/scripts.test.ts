import { expect, it } from 'vitest';
import type { LoadRequest, LoadScript } from '../src/load/load-job.ts';
import { createCallers, type Caller } from '../src/load/scripts.ts';

const booked: string[] = [];
let exhausted = 0;

function callersOf(script: LoadScript, callers: number) {
  booked.length = 0;
  exhausted = 0;
  const events = { onExhausted: () => (exhausted += 1), onBooked: (id: string) => booked.push(id) };
  const create = createCallers({ script, callers }, events);
  return Array.from({ length: callers }, (_, index) => create(index)) as [Caller, ...Caller[]];
}

const requests: LoadRequest[] = [
  { method: 'GET', path: '/a' },
  { method: 'GET', path: '/b' },
];
const seatOf = ({ body = '{}' }: LoadRequest) => (JSON.parse(body) as { readonly seatId?: string }).seatId;

it('callers of requests that are sent once share them, and report when none is left', () => {
  const [first, second] = callersOf({ kind: 'each-once', requests }, 2);
  expect([second!.next().path, first.next().path]).toEqual(['/a', '/b']);
  expect(exhausted).toBe(0);
  first.next();
  expect(exhausted).toBe(1);
});

it('a caller of repeated requests starts again, and never runs out', () => {
  const [caller] = callersOf({ kind: 'over-and-over', requests }, 1);
  expect([1, 2, 3].map(() => caller.next().path)).toEqual(['/a', '/b', '/a']);
  expect(exhausted).toBe(0);
});

const fourSeats = { kind: 'book-and-release', seatIds: ['s0', 's1', 's2', 's3'] } as const;

it('a caller that books and releases releases its booking, and then books the next of its own seats', () => {
  const [, second] = callersOf(fourSeats, 2);
  expect(seatOf(second!.next())).toBe('s1');
  second!.answered?.(201, '{"id":"b7"}', {});
  expect(second!.next()).toEqual({ method: 'DELETE', path: '/api/v1/booking/b7' });
  second!.answered?.(200, '{"id":"b7"}', {});
  expect(seatOf(second!.next())).toBe('s3');
});

it('a caller that books and releases tries the next seat after a refusal', () => {
  const [first] = callersOf(fourSeats, 2);
  first.next();
  first.answered?.(503, '{}', {});
  expect(seatOf(first.next())).toBe('s2');
});

const onSale = {
  kind: 'on-sale',
  mapPath: '/map',
  seatIds: Array.from({ length: 1_000 }, (_, index) => `s${index}`),
  paymentApiUrl: '',
} as const;

it('a visitor of a sale reads the map ten times for each booking, and requests the first seats most', () => {
  const [visitor] = callersOf(onSale, 1);
  const sent = Array.from({ length: 40_000 }, () => visitor.next());
  const seats = sent.flatMap((request) => seatOf(request) ?? []);
  expect(sent.length / seats.length).toBeGreaterThan(9);
  expect(sent.length / seats.length).toBeLessThan(13);
  const times = (seatId: string) => seats.filter((id) => id === seatId).length;
  expect(times('s0')).toBeGreaterThan(1.5 * times('s3'));
  expect(times('s0')).toBeGreaterThan(10 * times('s99'));
  expect(new Set(seats).size).toBeGreaterThan(100);
});

it('a visitor of a sale sends the ETag of its last map, and reports its bookings', () => {
  const [visitor] = callersOf(onSale, 1);
  const next = (method: string): LoadRequest => {
    const request = visitor.next();
    return request.method === method ? request : next(method);
  };
  expect(next('GET').headers).not.toHaveProperty('if-none-match');
  visitor.answered?.(200, '{}', { etag: 'W/"1"' });
  expect(next('GET').headers).toMatchObject({ 'if-none-match': 'W/"1"' });
  next('POST');
  visitor.answered?.(201, '{"id":"b1"}', {});
  expect(booked).toEqual(['b1']);
});
