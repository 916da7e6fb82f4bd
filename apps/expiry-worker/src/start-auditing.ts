import { setTimeout as delay } from 'node:timers/promises';
import { auditInvariantsInTurn, type SeatCoreLogger } from '@ticketing/seat-core';
import type { Registry } from 'prom-client';
import { exportAudit } from './export-audit.ts';
import { startLoop, type Loop } from './start-loop.ts';

export interface StartAuditingOptions {
  readonly databaseUrl: string;
  readonly registry: Registry;
  readonly logger: SeatCoreLogger;
  /** From the beginning of an audit to that of the next, if it is short. */
  readonly everyMs?: number;
}

/** A worker that found another one at it asks again after this, not only when its own turn comes round. */
const askEveryMs = 5_000;

/** An audit that takes long is followed by a rest of nine times as long: a tenth of one core is what it may cost. */
const restFactor = 9;

/**
 * Audits the database on a connection of its own, at once and then every minute, one worker at a time. What it
 * finds is shown as metrics and logged with samples; a person has to look into it, nothing is mended by itself.
 */
export function startAuditing(options: StartAuditingOptions): Loop {
  const { databaseUrl, registry, logger, everyMs = 60_000 } = options;
  const show = exportAudit(registry);
  let nextAt = 0;

  const audit = async (signal: AbortSignal) => {
    // A rest is part of the round: as a round of its own it would be one that succeeded, between two that failed.
    await delay(Math.max(0, nextAt - performance.now()), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const startedAt = performance.now();
    const rest = () => {
      const tookMs = performance.now() - startedAt;
      nextAt = startedAt + Math.max(everyMs, tookMs * (1 + restFactor));
    };
    try {
      const report = await auditInvariantsInTurn({ databaseUrl, signal });
      if (report === null) return;
      show(report);
      rest();
      for (const { check, violations, samples } of report.results) {
        if (violations > 0) logger.error({ check, violations, samples }, 'the audit found what must not be');
      }
    } catch (error) {
      if (signal.aborted) return;
      rest();
      throw error;
    }
  };
  return startLoop({ name: 'audit', everyMs: Math.min(askEveryMs, everyMs), logger, round: audit });
}
