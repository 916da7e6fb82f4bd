// Fixtures of tests.
export { atOnce } from './fixtures/at-once.ts';
export { acceptedLanguages } from './fixtures/accepted-languages.ts';
export { auditViolations, type Violation } from './fixtures/audit-violations.ts';
export { callers, operationsOf, type CallerKind } from './fixtures/callers.ts';
export { describedAnswers } from './fixtures/described-answers.ts';
export { expectProblem, type Answer } from './fixtures/expect-problem.ts';
export {
  eventInput,
  makeEvent,
  type EventMaker,
  type EventShape,
  type MadeEvent,
} from './fixtures/make-event.ts';
export { openApiFindings } from './fixtures/open-api-findings.ts';
export {
  createPrivateStack,
  type FaultyServer,
  type PrivateStack,
  type PrivateStackOptions,
} from './fixtures/private-stack.ts';
export { claimsOf, signToken, type TokenSignature } from './fixtures/sign-token.ts';
export { startProgram, type ProgramOptions, type RunningProgram } from './fixtures/start-program.ts';
export { startService, type RunningService, type StartServiceOptions } from './fixtures/start-service.ts';
export { createTestFolder, removeLeftoverTestFolders, removeTestFolder } from './fixtures/test-folder.ts';
export {
  createTestDatabase,
  createTestRedis,
  createTestStack,
  type TestDatabase,
  type TestRedis,
  type TestStack,
} from './fixtures/test-stack.ts';
export { deadlineFactor, waitFor, withinDeadline, type WaitForOptions } from './deadlines.ts';

// Servers and services as processes, for the tools.
export { libraryFolders, unpackPackages, type UnpackOptions } from './debian/unpack-packages.ts';
export { cacheFolder, dataFolder, repositoryRoot } from './folders.ts';
export { isRecord, jsonRecord } from './json-record.ts';
export { dropDriverVariables, neutralEnvironment, serviceVariables } from './neutral-environment.ts';
export { withAdminConnection } from './postgres/admin-connection.ts';
export { findPostgresTool, type PostgresTool, type ProgramOnDisk } from './postgres/find-postgres-tool.ts';
export { emptyPostgres, ownerRole, startPostgres, type PostgresServer } from './postgres/start-postgres.ts';
export { startReplica } from './postgres/start-replica.ts';
export { findExecutable } from './processes/find-executable.ts';
export { childrenOf, listProcesses, type ProcessEntry } from './processes/process-table.ts';
export { runCommand, type CommandResult } from './processes/run-command.ts';
export { serverCommand } from './processes/server-command.ts';
export {
  adoptProcess,
  describeExit,
  killAdoptedProcesses,
  stopAdoptedProcesses,
  type ServerProcess,
  type StopPlan,
} from './processes/server-process.ts';
export type { StartedServer } from './processes/start-server.ts';
export { stopSignal } from './processes/stop-signal.ts';
export { emptyRedis, startRedis, type RedisServer } from './redis/start-redis.ts';
export { withRedis } from './redis/with-redis.ts';
export { serviceNames, servicePorts, type ServiceName } from './services/service-names.ts';
export {
  serviceHeapMb,
  serviceNodeFlags,
  spawnService,
  stopLeftoverServices,
} from './services/spawn-service.ts';
export { waitUntilReady } from './services/wait-until-ready.ts';
export { errorCode, StackError } from './stack-error.ts';
