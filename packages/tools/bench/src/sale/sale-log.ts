import { percentile } from '../report/statistics.ts';

export type SaleCount =
  | 'arrived'
  | 'looked'
  | 'mapsRead'
  | 'held'
  | 'refused'
  | 'confirmed'
  | 'released'
  | 'lapsed'
  | 'leftWithoutSeat'
  | 'sentAgain';

/** A hold, a confirmation or a release that a buyer was told of. */
export interface Acknowledgement {
  readonly bookingId: string;
  readonly seatId: string;
  readonly userId: string;
}

/** One second of the sale. */
export interface SaleSecond extends Readonly<Partial<Record<SaleCount, number>>> {
  /** The slowest percent of the answers to holds took longer. */
  readonly holdP99Ms?: number;
}

/** What the buyers did and were told. */
export class SaleLog {
  readonly holds: Acknowledgement[] = [];
  readonly confirmations: Acknowledgement[] = [];
  readonly releases: Acknowledgement[] = [];
  /** From click to seat, one per visit that got a seat. */
  readonly seatMs: number[] = [];
  /** How often each answer came, such as "hold SEAT_TAKEN". */
  readonly answers = new Map<string, number>();
  /** Requests that ended without a known outcome, or in an answer that no request of this sale should get. */
  readonly failures: string[] = [];
  /** The users of requests without a known outcome: the tables may have more of them than they were told. */
  readonly unresolvedUsers = new Set<string>();
  readonly #startedAt = performance.now();
  readonly #counts: Partial<Record<SaleCount, number>>[] = [];
  readonly #holdMs: number[][] = [];

  /** Seconds since the sale began. */
  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  count(what: SaleCount): void {
    const second = (this.#counts[Math.floor(this.seconds)] ??= {});
    second[what] = (second[what] ?? 0) + 1;
  }

  answered(what: string, ms: number): void {
    this.answers.set(what, (this.answers.get(what) ?? 0) + 1);
    if (what.startsWith('hold ')) (this.#holdMs[Math.floor(this.seconds)] ??= []).push(ms);
  }

  total(what: SaleCount): number {
    return this.#counts.reduce((sum, second) => sum + (second?.[what] ?? 0), 0);
  }

  /** One entry per second, also for those in which nothing happened. */
  bySecond(): SaleSecond[] {
    return Array.from({ length: this.#counts.length }, (_, second) => {
      const latencies = this.#holdMs[second]?.toSorted((a, b) => a - b) ?? [];
      const slow = latencies.length === 0 ? {} : { holdP99Ms: percentile(latencies, 0.99) };
      return { ...this.#counts[second], ...slow };
    });
  }
}
