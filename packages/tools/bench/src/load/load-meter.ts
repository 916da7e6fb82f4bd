import { percentile } from '../report/statistics.ts';
import type { Tell } from '../parts/run-part.ts';

/** How long a load runs before it is measured, and how long it is. */
export interface LoadTimes {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface LoadResult {
  /** The window that was measured, by the clock of this machine. */
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly seconds: number;
  /** How many answers came in the window, by status. */
  readonly answers: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** What making this load has cost. */
  readonly loadMicros: number;
}

/** Counts what comes in the window of a load; its end is told by the clock, or by `end` when work runs out. */
export class LoadMeter {
  readonly #tell: Tell;
  readonly #latencies: number[] = [];
  readonly #answers: Record<string, number> = {};
  #window: { readonly startedAt: Date; readonly since: number; readonly cpu: NodeJS.CpuUsage } | undefined;
  #result: LoadResult | undefined;
  readonly #times: LoadTimes;
  readonly #onEnd: () => void;

  /** @param onEnd stops the load */
  constructor(times: LoadTimes, tell: Tell, onEnd: () => void) {
    this.#times = times;
    this.#tell = tell;
    this.#onEnd = onEnd;
  }

  begin(): void {
    setTimeout(() => {
      this.#window = { startedAt: new Date(), since: performance.now(), cpu: process.cpuUsage() };
      this.#tell({ kind: 'measuring' });
      setTimeout(() => this.end(), this.#times.measureMs);
    }, this.#times.warmUpMs);
  }

  /** @param outcome such as the status of the answer */
  record(outcome: string, latencyMs: number): void {
    if (this.#window === undefined || this.#result !== undefined) return;
    this.#answers[outcome] = (this.#answers[outcome] ?? 0) + 1;
    this.#latencies.push(latencyMs);
  }

  hasEnded(): boolean {
    return this.#result !== undefined;
  }

  end(): void {
    if (this.#result !== undefined) return;
    if (this.#window === undefined) throw new Error('the load had nothing left to do before it was measured');
    const seconds = (performance.now() - this.#window.since) / 1_000;
    const cpu = process.cpuUsage(this.#window.cpu);
    this.#tell({ kind: 'ended' });
    this.#latencies.sort((a, b) => a - b);
    this.#result = {
      startedAt: this.#window.startedAt,
      endedAt: new Date(),
      seconds,
      answers: this.#answers,
      p50Ms: percentile(this.#latencies, 0.5),
      p99Ms: percentile(this.#latencies, 0.99),
      maxMs: this.#latencies.at(-1) ?? Number.NaN,
      loadMicros: cpu.user + cpu.system,
    };
    this.#onEnd();
    this.#tell({ kind: 'result', result: this.#result });
  }
}
