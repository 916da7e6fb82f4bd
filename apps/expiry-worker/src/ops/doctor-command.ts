import { styleText } from 'node:util';
import { Type, type Static } from '@sinclair/typebox';
import { createSeatCore, type InstallationCheck } from '@ticketing/seat-core';
import { closeRedis, openDatabase, openQueueRedis, openRedis } from '@ticketing/seat-core/clients';
import {
  authenticationVariables,
  checkIdentityProvider,
  commonVariables,
  queueRedisUrlVariable,
  readAuthenticationSettings,
  readConfig,
} from '@ticketing/service-kit';
import type { OpsCommand } from './ops-context.ts';
import { parseOptions } from './parse-options.ts';

const configSchema = Type.Object({
  DATABASE_URL: commonVariables.DATABASE_URL,
  DATABASE_REPLICA_URL: Type.Optional(commonVariables.DATABASE_URL),
  DATABASE_POOL_MAX: commonVariables.DATABASE_POOL_MAX,
  REDIS_URL: commonVariables.REDIS_URL,
  QUEUE_REDIS_URL: queueRedisUrlVariable,
  REDIS_KEY_PREFIX: commonVariables.REDIS_KEY_PREFIX,
  ...authenticationVariables,
});

/** `doctor`: what the installation really gives, as the services ask at their start; 1 when a service would not start. */
export const doctorCommand: OpsCommand = async ({ args, env, say, isTerminal = false }) => {
  const { values } = parseOptions({
    args: [...args],
    options: { json: { type: 'boolean', default: false } },
  });
  const config = readConfig(configSchema, env);
  const rows = (await Promise.all([askInstallation(config), askIdentityProvider(config)])).flat();
  if (values.json) say(JSON.stringify({ checks: rows }, null, 2));
  else for (const line of table(rows, isTerminal)) say(line);
  // A service starts without Redis, but an installation has one.
  const isUnfit = ({ name, verdict }: InstallationCheck) =>
    verdict === 'refused' || (verdict === 'warning' && name === 'connection');
  return rows.some(isUnfit) ? 1 : 0;
};

async function askInstallation(config: Static<typeof configSchema>): Promise<InstallationCheck[]> {
  const open = (databaseUrl: string) =>
    openDatabase({ databaseUrl, poolMax: config.DATABASE_POOL_MAX, applicationName: 'ops-doctor' });
  const database = open(config.DATABASE_URL);
  const replica = config.DATABASE_REPLICA_URL === undefined ? undefined : open(config.DATABASE_REPLICA_URL);
  const [redis, queueRedis] = await Promise.all([
    openRedis({ redisUrl: config.REDIS_URL }),
    openQueueRedis({ redisUrl: config.QUEUE_REDIS_URL ?? config.REDIS_URL }),
  ]);
  const redisKeyPrefix = config.REDIS_KEY_PREFIX;
  const core = createSeatCore({
    database,
    redis,
    queueRedis,
    redisKeyPrefix,
    ...(replica === undefined ? {} : { replica }),
  });
  try {
    return await core.checkInstallation();
  } finally {
    await core.close();
    await Promise.all([
      closeRedis(redis),
      closeRedis(queueRedis),
      database.$client.end(),
      replica?.$client.end(),
    ]);
  }
}

async function askIdentityProvider(
  config: Static<typeof configSchema>,
): Promise<readonly InstallationCheck[]> {
  let settings;
  try {
    settings = readAuthenticationSettings(config);
  } catch (error) {
    const advice = `${(error as Error).message}.`;
    return [
      { part: 'identity provider', name: 'authentication', value: 'wrong', verdict: 'refused', advice },
    ];
  }
  return checkIdentityProvider(settings);
}

const colors = { ok: 'green', warning: 'yellow', refused: 'red' } as const;

/** One line per row; what to do stands below those that are not ok. */
function* table(rows: readonly InstallationCheck[], isColoured: boolean): Generator<string> {
  const width = (of: (row: InstallationCheck) => string, heading: string) =>
    Math.max(heading.length, ...rows.map((row) => of(row).length));
  const widths = {
    part: width(({ part }) => part, 'part'),
    name: width(({ name }) => name, 'what'),
    verdict: 'refused'.length,
  };
  const line = (part: string, name: string, verdict: string, value: string) =>
    `${part.padEnd(widths.part)}  ${name.padEnd(widths.name)}  ${verdict}  ${value}`.trimEnd();
  yield line('part', 'what', 'verdict', 'found');
  for (const { part, name, value, verdict, advice } of rows) {
    const shown = verdict.padEnd(widths.verdict);
    yield line(part, name, isColoured ? styleText(colors[verdict], shown) : shown, value);
    if (advice !== '') yield `${' '.repeat(widths.part + 2)}→ ${advice}`;
  }
  yield '';
  const count = (wanted: InstallationCheck['verdict']) =>
    rows.filter(({ verdict }) => verdict === wanted).length;
  yield `${count('refused')} refused, ${count('warning')} warning, ${count('ok')} ok`;
}
