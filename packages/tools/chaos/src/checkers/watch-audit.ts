import { setTimeout as delay } from 'node:timers/promises';
import { auditViolations } from '@ticketing/testkit';
import type { Finding } from '../history.ts';

const everyMs = 250;

/** Runs the audit again and again while the faults are on: it reads one snapshot, so it allows for nothing. */
export function watchAudit(databaseUrl: string): { readonly stop: () => Promise<Finding[]> } {
  const closing = new AbortController();
  const findings: Finding[] = [];
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        findings.push(...(await auditViolations(databaseUrl, 3)));
      } catch {
        // PostgreSQL is under a fault of its own; the last audit of the run is the one that must succeed.
      }
      await delay(everyMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    stop: async () => {
      closing.abort();
      await running;
      return findings;
    },
  };
}
