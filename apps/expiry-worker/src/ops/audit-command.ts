import { Type } from '@sinclair/typebox';
import { auditInvariants, rebuildFromHistory, type CheckResult } from '@ticketing/seat-core/admin';
import { commonVariables, readConfig } from '@ticketing/service-kit';
import { describeServer } from './describe-server.ts';
import { OpsError, type OpsCommand } from './ops-context.ts';
import { parseOptions } from './parse-options.ts';

const configSchema = Type.Object({ DATABASE_URL: commonVariables.DATABASE_URL });

/** So often a long command writes a line of progress. */
const progressEveryMs = 2_000;

/** `audit`: checks the invariants, and rebuilds the tables from the history; 1 when anything differs. */
export const auditCommand: OpsCommand = async ({ args, env, say, complain }) => {
  const { values } = parseOptions({
    args: [...args],
    options: { 'time-limit': { type: 'string', default: '3600' } },
  });
  const timeLimitSeconds = Number(values['time-limit']);
  if (!(timeLimitSeconds > 0)) throw new OpsError('--time-limit must be a number of seconds.');
  const { DATABASE_URL: databaseUrl } = readConfig(configSchema, env);

  const startedAt = performance.now();
  let reportedAt = startedAt;
  const report = (progress: string) => {
    if (performance.now() - reportedAt < progressEveryMs) return;
    reportedAt = performance.now();
    complain(`${((reportedAt - startedAt) / 1_000).toFixed(0)} s: ${progress}`);
  };
  const options = { databaseUrl, timeLimitSeconds };
  const audit = await auditInvariants({ ...options, onCheck: (check) => report(`checking ${check}`) });
  const rebuild = await rebuildFromHistory({
    ...options,
    onProgress: ({ table: name, done }) =>
      report(`rebuilding ${name}: ${done} ${name === 'bookings' ? 'records' : 'transitions'}`),
  });

  const results = [...audit.results, ...rebuild.results];
  const violations = results.reduce((sum, result) => sum + result.violations, 0);
  say(`${describeServer(databaseUrl)}, as it was at ${audit.at.toISOString()}`);
  say('');
  for (const line of table(results)) say(line);
  say('');
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  say(
    `rebuilt from ${rebuild.records} booking records and ${rebuild.transitions} seat transitions; ` +
      `${violations} violations, ${seconds} s`,
  );
  return violations === 0 ? 0 : 1;
};

function* table(results: readonly CheckResult[]): Generator<string> {
  const width = Math.max(...results.map(({ check }) => check.length));
  yield `${'check'.padEnd(width)}  violations`;
  for (const { check, violations, samples } of results) {
    yield `${check.padEnd(width)}  ${String(violations).padStart(10)}`;
    for (const sample of samples) yield `  ${sample}`;
    if (violations > samples.length) yield `  … and ${violations - samples.length} more`;
  }
}
