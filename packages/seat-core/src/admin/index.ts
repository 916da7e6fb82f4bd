export {
  auditCheckNames,
  auditInvariants,
  type AuditOptions,
  type AuditReport,
  type CheckResult,
} from './audit.ts';
export { startAudit, type StartAuditOptions } from './start-audit.ts';
export {
  rebuildFromHistory,
  type RebuildOptions,
  type RebuildProgress,
  type RebuildReport,
} from './rebuild/rebuild-from-history.ts';
export { requestSettings as sessionSettings, type SessionSetting } from '../postgres/session-settings.ts';
export { TimeLimitError } from './read-transaction.ts';
export { runMigrations, serviceRoleOf, type MigrateOptions } from './migrate.ts';
export { openRetention, type RetirableEvent, type Retention, type RetentionOptions } from './retention.ts';
export {
  NotRetirableError,
  type EventArchive,
  type RetiredEvent,
  type RetireEventInput,
} from './retire-event.ts';
export type { Loop } from '../resilience/loop.ts';
