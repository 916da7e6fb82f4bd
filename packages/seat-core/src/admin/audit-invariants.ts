import { auditChecks, type AuditCheck } from './audit-checks.sql.ts';
import { withSnapshot, type Snapshot } from './read-transaction.ts';

export interface AuditOptions {
  /** `postgres://…`; a role that may read the tables. A replica will do. */
  readonly databaseUrl: string;
  /** Default 60. An audit that is not done by then is given up and proves nothing. */
  readonly timeLimitSeconds?: number;
  /** Ends it at once. */
  readonly signal?: AbortSignal;
  /** Called as each check begins. */
  readonly onCheck?: (check: AuditCheck) => void;
}

/** What came of one check. */
export interface CheckResult {
  readonly check: string;
  readonly violations: number;
  /** The first few of them, each a sentence. */
  readonly samples: readonly string[];
}

export interface AuditReport {
  /** The moment that was looked at, by the database's clock. */
  readonly at: Date;
  /** One per check, also of those that found nothing. */
  readonly results: readonly CheckResult[];
}

/** How many violations of one check are told in words; all of them are counted. */
export const samplesPerCheck = 5;

export const auditCheckNames = Object.keys(auditChecks) as readonly AuditCheck[];

/** One number for all that audit this database in turn, in whatever process: "audit" in ASCII. */
const auditLock = 0x6175646974;

/**
 * Checks, in one snapshot, what must hold at any moment for every seat, booking and record.
 *
 * @throws TimeLimitError when it takes too long; the driver's error when PostgreSQL does not answer
 */
export async function auditInvariants(options: AuditOptions): Promise<AuditReport> {
  return withSnapshot(withLimit(options), (snapshot) => check(snapshot, options));
}

/**
 * As `auditInvariants`, one at a time of all that call it on one database.
 *
 * @returns null when another one is at it
 */
export async function auditInvariantsInTurn(options: AuditOptions): Promise<AuditReport | null> {
  return withSnapshot(withLimit(options), async (snapshot) => {
    // Of the transaction, not of the session: a pooler in between may give the session to somebody else.
    const [turn] = await snapshot.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [
      auditLock,
    ]);
    return turn?.taken === true ? check(snapshot, options) : null;
  });
}

function withLimit(options: AuditOptions) {
  return { ...options, timeLimitSeconds: options.timeLimitSeconds ?? 60 };
}

async function check(snapshot: Snapshot, { onCheck }: AuditOptions): Promise<AuditReport> {
  const results: CheckResult[] = [];
  for (const name of auditCheckNames) {
    onCheck?.(name);
    const [found] = await snapshot.query<{ violations: number; samples: string[] | null }>(`
      select count(*)::int as violations, array_agg(detail) filter (where n <= ${samplesPerCheck}) as samples
      from (select detail, row_number() over () as n from (${auditChecks[name]}) violation) numbered`);
    results.push({ check: name, violations: found?.violations ?? 0, samples: found?.samples ?? [] });
  }
  return { at: snapshot.at, results };
}
