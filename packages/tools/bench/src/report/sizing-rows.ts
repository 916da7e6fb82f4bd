import type { Measure } from '../figures/sample.ts';
import type { Rounds } from './goals.ts';
import { numberText } from './number-text.ts';
import { spreadOf } from './statistics.ts';

/** What one core does in a second of each kind of work: a million divided by the CPU time that one answer costs. */
const kinds = [
  ['booking', 'a booking of one seat'],
  ['multi-seat', 'a booking of four seats'],
  ['confirm', 'a confirmation'],
  ['refusal', 'a seat that is taken: refused'],
  ['map-304', 'a map that has not changed (304)'],
] as const;

/** Less than this is the noise of what runs beside it. */
const leastMicros = 10;
const coreCounts = [1, 2, 4, 8];
const ticketsOfStadium = 80_000;

/** By kind of work: what one process of the service, one core of PostgreSQL and Redis can do of it at most. */
export function processRows(rounds: Rounds): string[][] {
  const rows = kinds.map(([figure, title]) => [
    title,
    ...(['serverMicros', 'postgresMicros', 'redisMicros'] as const).map((measure) => {
      const micros = medianOf(rounds, figure, measure);
      return micros < leastMicros ? '–' : numberText(1_000_000 / micros);
    }),
  ]);
  return [['a second, at most', 'one process of the service', 'one core of PostgreSQL', 'Redis'], ...rows];
}

/** By cores of PostgreSQL: tickets a second, each booked and paid alone, and the processes that keep them busy. */
export function saleRows(rounds: Rounds): string[][] {
  const sum = (measure: Measure) =>
    medianOf(rounds, 'booking', measure) + medianOf(rounds, 'confirm', measure);
  const rows = coreCounts.map((cores) => {
    const tickets = (cores * 1_000_000) / sum('postgresMicros');
    const processesOf = (figure: string) => (tickets * medianOf(rounds, figure, 'serverMicros')) / 1_000_000;
    return [
      String(cores),
      numberText(tickets),
      numberText(processesOf('booking')),
      numberText(processesOf('confirm')),
      numberText((tickets * sum('redisMicros')) / 1_000_000),
      numberText(ticketsOfStadium / tickets),
    ];
  });
  const header = ['cores of PostgreSQL', 'tickets a second', 'busy booking-api', 'busy payment-api'];
  return [[...header, 'cores of Redis', 'seconds for 80,000 tickets'], ...rows];
}

function medianOf(rounds: Rounds, figure: string, measure: Measure): number {
  return spreadOf((rounds.get(figure) ?? []).map((sample) => sample[measure] ?? Number.NaN)).median;
}
