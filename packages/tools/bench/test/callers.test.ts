import { describe, expect, it } from 'vitest';
import { createCallers } from '../src/load/callers.ts';
import type { LoadRequest, LoadScript } from '../src/load/load-job.ts';

const booked: string[] = [];
let exhausted = 0;

function callersOf(script: LoadScript, callers: number) {
  booked.length = 0;
  exhausted = 0;
  const create = createCallers(
    { script, callers },
    { onExhausted: () => (exhausted += 1), onBooked: (id) => booked.push(id) },
  );
  return Array.from({ length: callers }, (_, index) => create(index));
}

const get = (path: string): LoadRequest => ({ method: 'GET', path });
const seatOf = ({ body = '{}' }: LoadRequest) => (JSON.parse(body) as { readonly seatId?: string }).seatId;

describe('callers who ask for each thing once', () => {
  it('share what there is, and say when there is no more', () => {
    const [first, second] = callersOf({ kind: 'each-once', requests: [get('/a'), get('/b')] }, 2);
    expect([second!.next().path, first!.next().path]).toEqual(['/a', '/b']);
    expect(exhausted).toBe(0);
    first!.next();
    expect(exhausted).toBe(1);
  });
});

describe('callers who ask over and over', () => {
  it('begin again, and never run out', () => {
    const [caller] = callersOf({ kind: 'over-and-over', requests: [get('/a'), get('/b')] }, 1);
    expect([1, 2, 3].map(() => caller!.next().path)).toEqual(['/a', '/b', '/a']);
    expect(exhausted).toBe(0);
  });
});

describe('callers who book and release', () => {
  const seatIds = ['s0', 's1', 's2', 's3'];

  it('give back what they were given, and then book another of their own seats', () => {
    const [, second] = callersOf({ kind: 'book-and-release', seatIds }, 2);
    expect(seatOf(second!.next())).toBe('s1');
    second!.answered?.(201, '{"id":"b7"}', {});
    expect(second!.next()).toEqual({ method: 'DELETE', path: '/api/v1/booking/b7' });
    second!.answered?.(200, '{"id":"b7"}', {});
    expect(seatOf(second!.next())).toBe('s3');
  });

  it('try another seat after a refusal', () => {
    const [first] = callersOf({ kind: 'book-and-release', seatIds }, 2);
    first!.next();
    first!.answered?.(503, '{}', {});
    expect(seatOf(first!.next())).toBe('s2');
  });
});

describe('visitors of a sale', () => {
  const seatIds = Array.from({ length: 1_000 }, (_, index) => `s${index}`);
  const script = { kind: 'on-sale', mapPath: '/map', seatIds, paymentApiUrl: '' } as const;

  it('look at the map ten times for each booking, and want the first seats most', () => {
    const [visitor] = callersOf(script, 1);
    const requests = Array.from({ length: 40_000 }, () => visitor!.next());
    const wanted = requests.flatMap((request) => seatOf(request) ?? []);
    expect(requests.length / wanted.length).toBeGreaterThan(9);
    expect(requests.length / wanted.length).toBeLessThan(13);
    const times = (seatId: string) => wanted.filter((id) => id === seatId).length;
    expect(times('s0')).toBeGreaterThan(1.5 * times('s3'));
    expect(times('s0')).toBeGreaterThan(10 * times('s99'));
    expect(new Set(wanted).size).toBeGreaterThan(100);
  });

  it('ask whether the map they know has changed, and tell what they have booked', () => {
    const [visitor] = callersOf(script, 1);
    const next = (isWanted: (request: LoadRequest) => boolean): LoadRequest => {
      const request = visitor!.next();
      return isWanted(request) ? request : next(isWanted);
    };
    expect(next(({ method }) => method === 'GET').headers).not.toHaveProperty('if-none-match');
    visitor!.answered?.(200, '{}', { etag: 'W/"1"' });
    expect(next(({ method }) => method === 'GET').headers).toMatchObject({ 'if-none-match': 'W/"1"' });
    next(({ method }) => method === 'POST');
    visitor!.answered?.(201, '{"id":"b1"}', {});
    expect(booked).toEqual(['b1']);
  });
});
