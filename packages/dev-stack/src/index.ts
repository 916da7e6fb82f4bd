export { libraryFolders } from './debian/library-folders.ts';
export { unpackPackages, type UnpackOptions } from './debian/unpack-packages.ts';
export { atOnce } from './fixtures/at-once.ts';
export { auditViolations, type Violation } from './fixtures/audit-violations.ts';
export { describedAnswers, type ReceivedAnswer } from './fixtures/described-answers.ts';
export { openApiFaults } from './fixtures/open-api-faults.ts';
export { expectProblem, type Answer } from './fixtures/expect-problem.ts';
export {
  createPrivateStack,
  type FaultyServer,
  type PrivateStack,
  type PrivateStackOptions,
} from './fixtures/private-stack.ts';
export { startReplica } from './fixtures/start-replica.ts';
export { startProgram, type ProgramOptions, type RunningProgram } from './fixtures/start-program.ts';
export { claimsOf, signToken, type TokenSignature } from './fixtures/sign-token.ts';
export { startService, type RunningService, type StartServiceOptions } from './fixtures/start-service.ts';
export { createTestDatabase, type TestDatabase } from './fixtures/test-database.ts';
export { createTestRedis, type TestRedis } from './fixtures/test-redis.ts';
export { createTestFolder, removeTestFolder } from './fixtures/test-folder.ts';
export { createTestStack, type TestStack } from './fixtures/test-stack.ts';
export { withinDeadline } from './fixtures/within-deadline.ts';
export { startPostgres, type PostgresServer } from './postgres/start-postgres.ts';
export { deadlineFactor } from './deadline-factor.ts';
export { childrenOf } from './processes/children-of.ts';
export { cacheFolder, repositoryRoot } from './folders.ts';
export { findPostgresTool, type PostgresTool, type ProgramOnDisk } from './postgres/find-postgres-tool.ts';
export { runCommand, type CommandResult } from './processes/run-command.ts';
export type { ServiceName } from './services/service-name.ts';
export { serviceHeapMb, serviceNodeFlags } from './services/service-command.ts';
export { stopSignal } from './supervisor/stop-signal.ts';
export { waitFor, type WaitForOptions } from './wait-for.ts';
