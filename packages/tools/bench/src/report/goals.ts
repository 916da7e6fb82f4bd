import type { Measure, Rounds } from '../figures/figure.ts';
import { spreadOf, type Spread } from './statistics.ts';

/** The value of a figure in one round. */
type ValueOf = (figure: string, measure: Measure) => number;

/** A ratio of values that were measured in the same round. Without a limit it is only told. */
interface Goal {
  readonly name: string;
  /** Those that decide whether the hot path is good enough; the others are told beside them. */
  readonly isDeciding?: true;
  readonly figures: readonly string[];
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly ratio: (value: ValueOf) => number;
}

const ratioOf = (measure: Measure, figure: string, yardstick: string): Pick<Goal, 'figures' | 'ratio'> => ({
  figures: [figure, yardstick],
  ratio: (value) => value(figure, measure) / value(yardstick, measure),
});

const single = (figure: string, measure: Measure): Pick<Goal, 'figures' | 'ratio'> => ({
  figures: [figure],
  ratio: (value) => value(figure, measure),
});

const within = (figure: string, measure: Measure, divisor: Measure): Pick<Goal, 'figures' | 'ratio'> => ({
  figures: [figure],
  ratio: (value) => value(figure, measure) / value(figure, divisor),
});

const perCpuSecond = (figure: string, yardstick: string): Pick<Goal, 'figures' | 'ratio'> => ({
  figures: [figure, yardstick],
  ratio: (value) => {
    const micros = (name: string) =>
      value(name, 'serverMicros') + value(name, 'postgresMicros') + value(name, 'redisMicros');
    return micros(yardstick) / micros(figure);
  },
});

const goals: readonly Goal[] = [
  {
    name: 'bookings/s ÷ bare Fastify POST',
    isDeciding: true,
    atLeast: 0.18,
    ...ratioOf('perSecond', 'booking', 'bare'),
  },
  {
    name: 'CPU of booking-api for a booking ÷ for a bare answer',
    isDeciding: true,
    atMost: 6,
    ...ratioOf('serverMicros', 'booking', 'bare'),
  },
  {
    name: "PostgreSQL's CPU per booking ÷ 29 November's, commits of 32",
    isDeciding: true,
    atMost: 0.55,
    ...within('backend-cpu', 'micros32', 'micros32Of29November'),
  },
  {
    name: "PostgreSQL's CPU per booking ÷ 29 November's, commits of 1",
    isDeciding: true,
    atMost: 0.6,
    ...within('backend-cpu', 'micros1', 'micros1Of29November'),
  },
  {
    name: 'bookings/s ÷ the transaction of 29 November straight on PostgreSQL',
    isDeciding: true,
    atLeast: 3,
    ...ratioOf('perSecond', 'booking', 'statement'),
  },
  {
    name: 'refusals/s of a reserved seat ÷ bare Fastify POST',
    isDeciding: true,
    atLeast: 0.45,
    ...ratioOf('perSecond', 'refusal', 'bare'),
  },
  {
    name: 'refusals/s of a sold seat ÷ bare Fastify POST',
    isDeciding: true,
    atLeast: 0.6,
    ...ratioOf('perSecond', 'refusal-sold', 'bare'),
  },
  {
    name: 'bookings/s of two processes ÷ of one, 100,000 seats',
    isDeciding: true,
    atLeast: 0.95,
    ...ratioOf('perSecond', 'growth-two', 'growth-100k'),
  },
  { name: 'bookings/s ÷ the steps one by one', atLeast: 2.5, ...ratioOf('perSecond', 'booking', 'steps') },
  {
    name: 'bookings/s ÷ the steps one by one, with log and limits',
    ...ratioOf('perSecond', 'booking', 'limited-steps'),
  },
  {
    name: 'confirmations/s ÷ bare Fastify POST',
    atLeast: 0.25,
    ...ratioOf('perSecond', 'confirm', 'bare'),
  },
  {
    name: 'unchanged maps (304)/s ÷ bare Fastify POST',
    atLeast: 0.75,
    ...ratioOf('perSecond', 'map-304', 'bare'),
  },
  {
    name: "a lone caller's p50 ÷ the transaction of 29 November alone",
    atMost: 1.8,
    ...ratioOf('p50Ms', 'lone-booking', 'lone-statement'),
  },
  {
    name: 'p99 of booking at 64 callers ÷ (64 ÷ bookings/s)',
    figures: ['booking'],
    atMost: 2,
    ratio: (value) => value('booking', 'p99Ms') / (64_000 / value('booking', 'perSecond')),
  },
  {
    name: '20,000 holds due at once: seconds until the last is released',
    atMost: 5,
    ...single('expiry', 'drainSeconds'),
  },
  { name: 'p99 of booking meanwhile ÷ before', atMost: 2, ...within('expiry', 'p99Ms', 'p99BeforeMs') },
  {
    name: 'bookings per CPU second, two processes ÷ one',
    ...perCpuSecond('growth-two', 'growth-100k'),
  },
  {
    name: 'bookings per CPU second, four processes ÷ one',
    ...perCpuSecond('growth-four', 'growth-100k'),
  },
  {
    name: 'rate at 1,000,000 seats ÷ at 1,000 seats',
    atLeast: 0.8,
    ...ratioOf('perSecond', 'growth-1m', 'growth-1k'),
  },
  { name: 'memory of booking-api after 200,000 bookings, MB', atMost: 200, ...single('memory', 'rssMb') },
  { name: 'the same ÷ after 100,000 bookings', atMost: 1.1, ...within('memory', 'rssMb', 'rssHalfwayMb') },
  {
    name: 'ms until a change is read on one of 5,000 live connections, p99',
    atMost: 500,
    ...single('live', 'p99Ms'),
  },
  { name: 'memory of booking-api with 5,000 live connections, MB', atMost: 250, ...single('live', 'rssMb') },
];

/** The figures without which a deciding goal cannot be judged. */
export const decidingFigures: ReadonlySet<string> = new Set(
  goals.filter(({ isDeciding }) => isDeciding).flatMap(({ figures }) => figures),
);

export interface JudgedGoal {
  readonly goal: Goal;
  readonly spread: Spread;
  /** Absent for a ratio that is only told. */
  readonly isReached?: boolean;
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
    if (goal.atLeast === undefined && goal.atMost === undefined) return [{ goal, spread }];
    const isReached = Number.isFinite(spread.median) && spread.median >= atLeast && spread.median <= atMost;
    return [{ goal, spread, isReached }];
  });
}
