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
export { stopSignal } from './processes/stop-signal.ts';
export { waitFor, type WaitForOptions } from './wait-for.ts';
export { dataFolder } from './folders.ts';
export { isRecord, jsonRecord } from './json-record.ts';
export { removeLeftoverTestFolders } from './fixtures/test-folder.ts';
export { contractVariables } from './services/contract-variables.ts';
export { StackError } from './stack-error.ts';
export { adoptProcess, describeExit, type ServerProcess } from './processes/adopt-process.ts';
export { servicePorts, serviceNames } from './services/service-name.ts';
export { stopLeftoverServices } from './services/stop-leftover-services.ts';
export { withAdminConnection } from './postgres/admin-connection.ts';
export { emptyPostgres } from './postgres/start-postgres.ts';
export { emptyRedis, startRedis, type RedisServer } from './redis/start-redis.ts';
export { errorCode } from './error-code.ts';
export { ownerRole } from './postgres/prepare-cluster.ts';
export { stopProcess, type StopPlan } from './processes/stop-process.ts';
export { askReadiness } from './services/ask-readiness.ts';
export { spawnService } from './services/spawn-service.ts';
export { listProcesses, type ProcessEntry } from './processes/process-table.ts';
export { findExecutable } from './processes/find-executable.ts';
export { serverCommand } from './processes/server-command.ts';
