import { Type } from '@sinclair/typebox';
import { auditInvariants, replayHistory, type CheckResult } from '@ticketing/seat-core';
import { commonVariables, readConfig } from '@ticketing/service-kit';
import { describeServer } from './describe-server.ts';
import { OpsError, type OpsCommand } from './ops-context.ts';
import { parseOptions } from './parse-options.ts';

const configSchema = Type.Object({ DATABASE_URL: commonVariables.DATABASE_URL });

/** How long a part without news may take before a line of progress. */
const progressEveryMs = 2_000;

/** `audit`: what must hold, and the replay of the history; 1 when anything differs. */
export const auditCommand: OpsCommand = async ({ args, env, say, complain }) => {
  const { values } = parseOptions({
    args: [...args],
    options: { 'time-limit': { type: 'string', default: '3600' } },
  });
  const timeLimitSeconds = Number(values['time-limit']);
  if (!(timeLimitSeconds > 0)) throw new OpsError('--time-limit must be a number of seconds.');
  const { DATABASE_URL: databaseUrl } = readConfig(configSchema, env);

  const startedAt = performance.now();
  let toldAt = startedAt;
  const tell = (what: string) => {
    if (performance.now() - toldAt < progressEveryMs) return;
    toldAt = performance.now();
    complain(`${((toldAt - startedAt) / 1_000).toFixed(0)} s: ${what}`);
  };
  const options = { databaseUrl, timeLimitSeconds };
  const audit = await auditInvariants({ ...options, onCheck: (check) => tell(`checking ${check}`) });
  const replay = await replayHistory({
    ...options,
    onProgress: ({ part, done }) =>
      tell(`replaying ${part}: ${done} ${part === 'bookings' ? 'records' : 'transitions'}`),
  });

  const results = [...audit.results, ...replay.results];
  const violations = results.reduce((sum, result) => sum + result.violations, 0);
  say(`${describeServer(databaseUrl)}, as it was at ${audit.at.toISOString()}`);
  say('');
  for (const line of table(results)) say(line);
  say('');
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  say(
    `replayed ${replay.records} records of bookings, ${replay.transitions} transitions of seats; ` +
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
