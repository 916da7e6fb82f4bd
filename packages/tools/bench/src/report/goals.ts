import type { Measure, Rounds } from '../figures/figure.ts';
import { spreadOf, type Spread } from './statistics.ts';

/** The value of a figure in one round. */
type ValueOf = (figure: string, measure: Measure) => number;

/** A ratio that the engine is to reach, of values that were measured in the same round. */
interface Goal {
  readonly name: string;
  readonly figures: readonly string[];
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly ratio: (value: ValueOf) => number;
}

const rates = (figure: string, yardstick: string): Pick<Goal, 'figures' | 'ratio'> => ({
  figures: [figure, yardstick],
  ratio: (value) => value(figure, 'perSecond') / value(yardstick, 'perSecond'),
});

const single = (figure: string, measure: Measure): Pick<Goal, 'figures' | 'ratio'> => ({
  figures: [figure],
  ratio: (value) => value(figure, measure),
});

const goals: readonly Goal[] = [
  {
    name: 'bookings/s ÷ the same transaction straight on PostgreSQL',
    atLeast: 1.5,
    ...rates('booking', 'statement'),
  },
  { name: 'bookings/s ÷ bare Fastify POST', atLeast: 0.4, ...rates('booking', 'bare') },
  { name: 'bookings/s ÷ the same steps one by one', atLeast: 6, ...rates('booking', 'steps') },
  { name: 'refusals/s ÷ bare Fastify POST', atLeast: 0.6, ...rates('refusal', 'bare') },
  { name: 'seat-map 304/s ÷ bare Fastify POST', atLeast: 0.6, ...rates('map-304', 'bare') },
  {
    name: 'p99 of booking at 64 callers ÷ (64 ÷ bookings/s)',
    figures: ['booking'],
    atMost: 2,
    ratio: (value) => value('booking', 'p99Ms') / (64_000 / value('booking', 'perSecond')),
  },
  {
    name: "a lone caller's p50 ÷ the transaction alone on one connection",
    figures: ['lone-booking', 'lone-statement'],
    atMost: 3,
    ratio: (value) => value('lone-booking', 'p50Ms') / value('lone-statement', 'p50Ms'),
  },
  {
    name: '20,000 holds due at once: seconds until the last is released',
    atMost: 15,
    ...single('expiry', 'drainSeconds'),
  },
  {
    name: 'p99 of booking meanwhile ÷ before',
    figures: ['expiry'],
    atMost: 3,
    ratio: (value) => value('expiry', 'p99Ms') / value('expiry', 'p99BeforeMs'),
  },
  { name: 'rate at 1,000,000 seats ÷ at 1,000 seats', atLeast: 0.8, ...rates('growth-1m', 'growth-1k') },
  { name: 'memory of booking-api after 200,000 bookings, MB', atMost: 200, ...single('memory', 'rssMb') },
  {
    name: 'the same ÷ after 100,000 bookings',
    figures: ['memory'],
    atMost: 1.1,
    ratio: (value) => value('memory', 'rssMb') / value('memory', 'rssHalfwayMb'),
  },
  {
    name: 'ms until a change is read on one of 5,000 live connections, p99',
    atMost: 500,
    ...single('live', 'p99Ms'),
  },
  { name: 'memory of booking-api with 5,000 live connections, MB', atMost: 250, ...single('live', 'rssMb') },
];

export interface JudgedGoal {
  readonly goal: Goal;
  readonly spread: Spread;
  readonly isReached: boolean;
}

/** The goals whose figures were all measured. Each round has a ratio of its own; the median of them counts. */
export function judgeGoals(rounds: Rounds): JudgedGoal[] {
  return goals.flatMap((goal) => {
    const count = Math.min(...goal.figures.map((figure) => rounds.get(figure)?.length ?? 0));
    if (count === 0) return [];
    const ratios = Array.from({ length: count }, (_, round) =>
      goal.ratio((figure, measure) => rounds.get(figure)?.[round]?.[measure] ?? Number.NaN),
    );
    const spread = spreadOf(ratios);
    const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = goal;
    const isReached = Number.isFinite(spread.median) && spread.median >= atLeast && spread.median <= atMost;
    return [{ goal, spread, isReached }];
  });
}
