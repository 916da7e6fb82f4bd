import { setTimeout as delay } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';
import type { SeatCoreLogger } from '../options.ts';
import { startLoop, type Loop } from '../resilience/loop.ts';
import { nextStartAt } from '../resilience/pacing.ts';
import { auditCheckNames, auditInvariantsInTurn, type AuditReport } from './audit.ts';

export interface StartAuditOptions {
  /** `postgres://…`; a role that may read the tables. */
  readonly databaseUrl: string;
  readonly registry: Registry;
  readonly logger: SeatCoreLogger;
  /** From the start of an audit to the start of the next one, if it is short. Default 60,000. */
  readonly everyMs?: number;
}

/** A process that found another one auditing tries again after this, not only after its whole period. */
const retryTurnMs = 5_000;
/** After an audit a process rests for nine times as long: audits cost at most a tenth of one core. */
const restFactor = 9;

/**
 * Audits the database again and again on a connection of its own, one process at a time for each database. Violations
 * become the metric `invariant_violations` and log lines with samples. A person has to look into them: the audit
 * changes nothing.
 */
export function startAudit(options: StartAuditOptions): Loop {
  const { databaseUrl, registry, logger, everyMs = 60_000 } = options;
  const show = exportAudit(registry);
  let nextAt = 0;

  const round = async (signal: AbortSignal) => {
    // The rest is part of the round: as a round of its own it would succeed between two audits that fail.
    await delay(Math.max(0, nextAt - performance.now()), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const startedAt = performance.now();
    const rest = () => {
      const tookMs = performance.now() - startedAt;
      nextAt = nextStartAt({ startedAt, tookMs, everyMs, restFactor });
    };
    try {
      const report = await auditInvariantsInTurn({ databaseUrl, signal });
      if (report === null) return;
      show(report);
      rest();
      for (const { check, violations, samples } of report.results) {
        if (violations > 0) logger.error({ check, violations, samples }, 'invariant violated');
      }
    } catch (error) {
      if (signal.aborted) return;
      rest();
      throw error;
    }
  };
  return startLoop({ name: 'audit', everyMs: Math.min(retryTurnMs, everyMs), logger, round });
}

/**
 * Exports the result of the last finished audit of this process, and its moment. A failed audit proves nothing and
 * changes neither: the timestamp falls behind, which an alert watches.
 */
function exportAudit(registry: Registry): (report: AuditReport) => void {
  const violations = new Gauge({
    name: 'invariant_violations',
    help: 'Rows that violate an invariant, as of the last finished audit.',
    labelNames: ['check'] as const,
    registers: [registry],
  });
  const checkedAt = new Gauge({
    name: 'invariants_checked_timestamp_seconds',
    help: 'The moment of the last finished audit, by PostgreSQL’s clock; 0 before the first.',
    registers: [registry],
  });
  // Present before the first audit, so that a query over them always has an answer.
  for (const check of auditCheckNames) violations.set({ check }, Number.NaN);
  return ({ at, results }) => {
    for (const { check, violations: count } of results) violations.set({ check }, count);
    checkedAt.set(at.getTime() / 1_000);
  };
}
