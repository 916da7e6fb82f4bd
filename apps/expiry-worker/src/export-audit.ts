import { auditCheckNames, type AuditReport } from '@ticketing/seat-core';
import { Gauge, type Registry } from 'prom-client';

/**
 * Shows what the last finished audit of this process found, and when that was. One that failed proves nothing
 * and changes nothing here: the time falls behind, which is what to watch.
 *
 * @returns what takes a report in
 */
export function exportAudit(registry: Registry): (report: AuditReport) => void {
  const violations = new Gauge({
    name: 'invariant_violations',
    help: 'Rows that break what must hold at any moment, as of the last finished audit.',
    labelNames: ['check'] as const,
    registers: [registry],
  });
  const checkedAt = new Gauge({
    name: 'invariants_checked_timestamp_seconds',
    help: 'The moment that the last finished audit looked at, by PostgreSQL’s clock; 0 before the first.',
    registers: [registry],
  });
  // Known before the first audit, so that a query over them is never without an answer.
  for (const check of auditCheckNames) violations.set({ check }, Number.NaN);
  return ({ at, results }) => {
    for (const { check, violations: count } of results) violations.set({ check }, count);
    checkedAt.set(at.getTime() / 1_000);
  };
}
