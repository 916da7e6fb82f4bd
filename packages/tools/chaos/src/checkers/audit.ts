import { setTimeout as delay } from 'node:timers/promises';
import { auditInvariants, rebuildFromHistory } from '@ticketing/seat-core/admin';
import type { Finding } from '../history.ts';

const everyMs = 250;

/** The production audit, and the comparison of the tables with those that the history alone rebuilds. */
export async function auditFindings(databaseUrl: string): Promise<Finding[]> {
  const { results } = await rebuildFromHistory({ databaseUrl, timeLimitSeconds: 30 });
  return [...(await auditOnce(databaseUrl)), ...toFindings(results)];
}

/** Runs the production audit again and again under the faults: each reads one snapshot, so it allows for nothing. */
export function watchAudit(databaseUrl: string): { readonly stop: () => Promise<Finding[]> } {
  const stopping = new AbortController();
  const findings: Finding[] = [];
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // PostgreSQL may be under a fault of its own; the last audit of the run is the one that must succeed.
      findings.push(...(await auditOnce(databaseUrl).catch(() => [])));
      await delay(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
      return findings;
    },
  };
}

async function auditOnce(databaseUrl: string): Promise<Finding[]> {
  return toFindings((await auditInvariants({ databaseUrl })).results);
}

function toFindings(results: readonly { check: string; samples: readonly string[] }[]): Finding[] {
  return results.flatMap(({ check, samples }) => samples.map((detail) => ({ check, detail })));
}
