import { numberText } from '../report/statistics.ts';
import type { RequestCost } from './measure-request-costs.ts';

/** One row per kind of request, in the order in which they were measured. */
export function costRows(costs: readonly RequestCost[]): string[][] {
  const rows = costs.map((cost) => [
    `${cost.service} ${cost.method} ${cost.title}`,
    cost.access ?? 'anonymous',
    cost.cold ?? '',
    cost.answer,
    numberText(cost.serviceMs),
    numberText(cost.postgresMs),
    bytesText(cost.bytes),
  ]);
  return [['request', 'caller', 'cold', 'answer', 'service CPU ms', 'PostgreSQL CPU ms', 'bytes'], ...rows];
}

/** The one that costs both together the most CPU time. */
export function worstAnonymous(costs: readonly RequestCost[]): RequestCost | undefined {
  const total = ({ serviceMs, postgresMs }: RequestCost): number => serviceMs + postgresMs;
  return costs
    .filter(({ access }) => access === undefined)
    .toSorted((a, b) => total(b) - total(a))
    .at(0);
}

function bytesText(bytes: number): string {
  return bytes < 100_000 ? String(bytes) : `${numberText(bytes / 1_000_000)} MB`;
}
