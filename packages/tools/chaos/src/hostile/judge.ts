import { deadlineFactor } from '@ticketing/testkit';
import type { Finding, Operation } from '../history.ts';
import type { Vitals } from './vitals.ts';

export interface BuyersSummary {
  /** Holds, confirmations and releases that were done. */
  readonly done: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
}

/** The time that a hold, a confirmation or a release may take. */
const budgetMs = 2_000;
/** Of the container. */
const memoryLimitMb = 512;
/** Growth between two parts of a run that the garbage of requests explains. */
const growthMb = 64;
const findingsOfAKind = 5;
/** From here on a run says whether memory grows. */
const soakSeconds = 180;

export function summarize(operations: readonly Operation[]): BuyersSummary {
  const times = operations.map(timeOf).toSorted((a, b) => a - b);
  const at = (share: number): number => times[Math.max(0, Math.ceil(times.length * share) - 1)] ?? Number.NaN;
  const done = operations.filter(({ result }) => result.kind === 'done').length;
  return { done, failed: operations.length - done, p50Ms: at(0.5), p99Ms: at(0.99), slowestMs: at(1) };
}

/** Each seat is free and each buyer another: no request may be refused, and none may be late. */
export function checkOperations(operations: readonly Operation[]): Finding[] {
  const failed = operations.flatMap(({ kind, result }) => {
    if (result.kind === 'done') return [];
    return [{ check: 'nothing-is-refused', detail: `${kind}: ${JSON.stringify(result)}` }];
  });
  const late = operations.flatMap((operation) => {
    const ms = timeOf(operation);
    if (ms <= budgetMs * deadlineFactor()) return [];
    return [{ check: 'nothing-is-late', detail: `${operation.kind}: ${Math.round(ms)} ms` }];
  });
  return [failed, late].flatMap((findings) => [
    ...findings.slice(0, findingsOfAKind),
    ...findings.slice(findingsOfAKind, findingsOfAKind + 1).map(({ check }) => {
      return { check, detail: `${findings.length} of ${operations.length} in all` };
    }),
  ]);
}

/** Memory stays below the limit, and in a soak has ended growing by the last third: a heap takes minutes to fill. */
export function checkMemory(seen: readonly Vitals[], seconds: number): Finding[] {
  const rss = seen.map(({ rssMb }) => rssMb);
  const peak = Math.max(...rss);
  const start = Math.floor((rss.length * 2) / 3);
  const [earlier, later] = [Math.max(...rss.slice(0, start)), Math.max(...rss.slice(start))];
  const text = (mb: number): string => `${Math.round(mb)} MB`;
  return [
    ...(peak < memoryLimitMb ? [] : [{ check: 'memory-is-bounded', detail: `resident ${text(peak)}` }]),
    ...(seconds < soakSeconds || later <= earlier + growthMb
      ? []
      : [{ check: 'memory-is-flat', detail: `resident ${text(earlier)}, then ${text(later)}` }]),
  ];
}

function timeOf({ invokedAt, completedAt, result }: Operation): number {
  return result.kind === 'unknown' ? Number.POSITIVE_INFINITY : completedAt - invokedAt;
}
