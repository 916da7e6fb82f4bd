import { percentile } from '../report/statistics.ts';

/** How long a load runs before its window, and how long its window is. */
export interface LoadTimes {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface LoadResult {
  /** The measured window, by the clock of this machine. */
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly seconds: number;
  /** How many answers came in the window, by outcome. */
  readonly answers: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the load generator in the window. */
  readonly loadMicros: number;
}

export type LoadMessage =
  { readonly kind: 'measuring' | 'ended' } | { readonly kind: 'result'; readonly result: LoadResult };

/**
 * Counts the answers in the window of a load. The window ends by the clock, or by `end` when work runs out.
 *
 * @param onEnd stops the load
 */
export function createMeter(
  { warmUpMs, measureMs }: LoadTimes,
  send: (message: LoadMessage) => void,
  onEnd: () => void = () => undefined,
) {
  const latencies: number[] = [];
  const answers: Record<string, number> = {};
  let window: { readonly startedAt: Date; readonly since: number; readonly cpu: NodeJS.CpuUsage } | undefined;
  let hasEnded = false;
  const end = () => {
    if (hasEnded) return;
    if (window === undefined) throw new Error('the load ran out of work before its window began');
    hasEnded = true;
    const { startedAt, since, cpu } = window;
    const seconds = (performance.now() - since) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    send({ kind: 'ended' });
    latencies.sort((a, b) => a - b);
    const [p50Ms, p99Ms] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
    const loadMicros = user + system;
    onEnd();
    const result = { startedAt, endedAt: new Date(), seconds, answers, p50Ms, p99Ms, loadMicros };
    send({ kind: 'result', result });
  };
  return {
    begin: () => {
      setTimeout(() => {
        window = { startedAt: new Date(), since: performance.now(), cpu: process.cpuUsage() };
        send({ kind: 'measuring' });
        setTimeout(end, measureMs);
      }, warmUpMs);
    },
    /** @param outcome such as the status of the answer */
    record: (outcome: string, latencyMs: number) => {
      if (window === undefined || hasEnded) return;
      answers[outcome] = (answers[outcome] ?? 0) + 1;
      latencies.push(latencyMs);
    },
    hasEnded: () => hasEnded,
    end,
  };
}
