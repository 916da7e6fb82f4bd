import type { Measure, Sample } from '../figures/sample.ts';

/** The measurements of a figure, one per round. */
export type Rounds = ReadonlyMap<string, readonly Sample[]>;

/** A ratio that the engine is to reach, of two values that were measured in the same round. */
export interface Goal {
  readonly name: string;
  readonly figures: readonly string[];
  readonly atLeast?: number;
  readonly atMost?: number;
  /** @param of the value that a figure had in this round */
  readonly ratio: (of: (figure: string, measure: Measure) => number) => number;
}

export const goals: readonly Goal[] = [
  {
    name: 'bookings/s ÷ the same transaction straight on PostgreSQL',
    figures: ['booking', 'statement'],
    atLeast: 1.5,
    ratio: (of) => of('booking', 'perSecond') / of('statement', 'perSecond'),
  },
  {
    name: 'bookings/s ÷ bare Fastify POST',
    figures: ['booking', 'bare'],
    atLeast: 0.4,
    ratio: (of) => of('booking', 'perSecond') / of('bare', 'perSecond'),
  },
  {
    name: "bookings/s ÷ the page's steps one by one",
    figures: ['booking', 'page'],
    atLeast: 6,
    ratio: (of) => of('booking', 'perSecond') / of('page', 'perSecond'),
  },
  {
    name: 'refusals/s ÷ bare Fastify POST',
    figures: ['refusal', 'bare'],
    atLeast: 0.6,
    ratio: (of) => of('refusal', 'perSecond') / of('bare', 'perSecond'),
  },
  {
    name: 'seat-map 304/s ÷ bare Fastify POST',
    figures: ['map-304', 'bare'],
    atLeast: 0.6,
    ratio: (of) => of('map-304', 'perSecond') / of('bare', 'perSecond'),
  },
  {
    name: 'p99 of booking at 64 callers ÷ (64 ÷ bookings/s)',
    figures: ['booking'],
    atMost: 2,
    ratio: (of) => of('booking', 'p99Ms') / (64_000 / of('booking', 'perSecond')),
  },
  {
    name: "a lone caller's p50 ÷ the transaction alone on one connection",
    figures: ['lone-booking', 'lone-statement'],
    atMost: 3,
    ratio: (of) => of('lone-booking', 'p50Ms') / of('lone-statement', 'p50Ms'),
  },
  {
    name: '20,000 holds due at once: seconds until the last is released',
    figures: ['expiry'],
    atMost: 15,
    ratio: (of) => of('expiry', 'drainSeconds'),
  },
  {
    name: 'p99 of booking meanwhile ÷ before',
    figures: ['expiry'],
    atMost: 3,
    ratio: (of) => of('expiry', 'p99Ms') / of('expiry', 'p99BeforeMs'),
  },
  {
    name: 'rate at 1,000,000 seats ÷ at 1,000 seats',
    figures: ['growth-1m', 'growth-1k'],
    atLeast: 0.8,
    ratio: (of) => of('growth-1m', 'perSecond') / of('growth-1k', 'perSecond'),
  },
  {
    name: 'memory of booking-api after 200,000 bookings, MB',
    figures: ['memory'],
    atMost: 200,
    ratio: (of) => of('memory', 'rssMb'),
  },
  {
    name: 'the same ÷ after 100,000 bookings',
    figures: ['memory'],
    atMost: 1.1,
    ratio: (of) => of('memory', 'rssMb') / of('memory', 'rssHalfwayMb'),
  },
  {
    name: 'ms until a change is read on one of 5,000 live connections, p99',
    figures: ['live'],
    atMost: 500,
    ratio: (of) => of('live', 'p99Ms'),
  },
  {
    name: 'memory of booking-api with 5,000 live connections, MB',
    figures: ['live'],
    atMost: 250,
    ratio: (of) => of('live', 'rssMb'),
  },
];
