import { auditChecks, countViolations, takeAuditTurn, type AuditCheck } from './audit.sql.ts';
import { withReadTransaction, type ReadTransaction } from './read-transaction.ts';

export interface AuditOptions {
  /** `postgres://…`; a role that may read the tables. A replica will do. */
  readonly databaseUrl: string;
  /** Default 60. A longer audit is given up and proves nothing. */
  readonly timeLimitSeconds?: number;
  /** Ends it at once. */
  readonly signal?: AbortSignal;
  /** Called as each check begins. */
  readonly onCheck?: (check: AuditCheck) => void;
}

/** The result of one check. */
export interface CheckResult {
  readonly check: string;
  readonly violations: number;
  /** The first five, each a sentence. */
  readonly samples: readonly string[];
}

export interface AuditReport {
  /** The moment that was audited, by the database's clock. */
  readonly at: Date;
  /** One per check, also without violations. */
  readonly results: readonly CheckResult[];
}

/** How many violations of a check are reported as sentences. All of them are counted. */
export const samplesPerCheck = 5;

export const auditCheckNames = Object.keys(auditChecks) as readonly AuditCheck[];

/** The advisory lock of the process whose turn it is: "audit" in ASCII. */
const auditLock = 0x6175646974;

/**
 * Checks the invariants of every seat, booking and record in one read transaction.
 *
 * @throws TimeLimitError when it takes too long; the driver's error when PostgreSQL does not answer
 */
export async function auditInvariants(options: AuditOptions): Promise<AuditReport> {
  return withReadTransaction(withLimit(options), (transaction) => check(transaction, options));
}

/**
 * As `auditInvariants`, by one process at a time for each database.
 *
 * @returns null when another process is auditing
 */
export async function auditInvariantsInTurn(options: AuditOptions): Promise<AuditReport | null> {
  return withReadTransaction(withLimit(options), async (transaction) => {
    const [turn] = await transaction.query<{ taken: boolean }>(takeAuditTurn, [auditLock]);
    return turn?.taken === true ? check(transaction, options) : null;
  });
}

function withLimit(options: AuditOptions) {
  return { ...options, timeLimitSeconds: options.timeLimitSeconds ?? 60 };
}

async function check(transaction: ReadTransaction, { onCheck }: AuditOptions): Promise<AuditReport> {
  const results: CheckResult[] = [];
  for (const name of auditCheckNames) {
    onCheck?.(name);
    const [found] = await transaction.query<{ violations: number; samples: string[] | null }>(
      countViolations(name, samplesPerCheck),
    );
    results.push({ check: name, violations: found?.violations ?? 0, samples: found?.samples ?? [] });
  }
  return { at: transaction.at, results };
}
