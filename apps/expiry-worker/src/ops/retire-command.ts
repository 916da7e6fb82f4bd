import { Type } from '@sinclair/typebox';
import { openRetention, type RetirableEvent, type Retention } from '@ticketing/seat-core/admin';
import { commonVariables, readConfig } from '@ticketing/service-kit';
import { describeServer } from './describe-server.ts';
import { createEventArchiveFile } from './event-archive-file.ts';
import { OpsError, type OpsCommand, type OpsContext } from './ops-context.ts';
import { reasonOf } from './reason-of.ts';
import { parseOptions } from './parse-options.ts';

const configSchema = Type.Object({
  DATABASE_URL: commonVariables.DATABASE_URL,
  MIGRATE_DATABASE_URL: Type.Optional(commonVariables.DATABASE_URL),
  REDIS_URL: commonVariables.REDIS_URL,
  REDIS_KEY_PREFIX: commonVariables.REDIS_KEY_PREFIX,
});

/** `events retire`: archives and deletes events that are long over. Without --yes it only lists them. */
export const retireCommand: OpsCommand = async (context) => {
  const { say } = context;
  const { values } = parseOptions({
    args: [...context.args],
    options: {
      'older-than-days': { type: 'string', default: '400' },
      event: { type: 'string' },
      archive: { type: 'string' },
      yes: { type: 'boolean', default: false },
    },
  });
  const keptDays = Number(values['older-than-days']);
  if (!Number.isInteger(keptDays) || keptDays < 30)
    throw new OpsError('--older-than-days must be a whole number from 30.');
  const { archive: folder } = values;
  if (values.yes && folder === undefined)
    throw new OpsError(
      'Name with --archive FOLDER the folder that receives the events before they are deleted.',
    );
  const config = readConfig(configSchema, context.env);
  const databaseUrl = config.MIGRATE_DATABASE_URL ?? config.DATABASE_URL;

  await using retention = await openRetention({
    databaseUrl,
    redisUrl: config.REDIS_URL,
    redisKeyPrefix: config.REDIS_KEY_PREFIX,
  });
  const all = await retention.listRetirable({ keptDays });
  const chosen = values.event?.toLowerCase();
  const events = chosen === undefined ? all : all.filter(({ id }) => id === chosen);
  if (chosen !== undefined && events.length === 0) {
    throw new OpsError(
      `Event ${chosen} cannot be retired: it does not exist, or is not over for ${keptDays} days, or had a transition within a day.`,
    );
  }
  say(
    `${describeServer(databaseUrl)}: ${events.length} ${events.length === 1 ? 'event' : 'events'} over for ${keptDays} days`,
  );
  for (const event of events) say(`  ${describe(event)}`);
  if (!values.yes || folder === undefined) {
    if (events.length > 0)
      say('Nothing was done. With --archive FOLDER --yes they are archived there and deleted.');
    return 0;
  }
  let failures = 0;
  for (const event of events) {
    try {
      await retire(context, retention, { event, keptDays, folder });
    } catch (error) {
      failures += 1;
      context.complain(`Event ${event.id} was kept: ${reasonOf(error)}`);
    }
  }
  return failures === 0 ? 0 : 1;
};

async function retire(
  { say, complain }: OpsContext,
  retention: Retention,
  { event, keptDays, folder }: { event: RetirableEvent; keptDays: number; folder: string },
): Promise<void> {
  const archive = await createEventArchiveFile(folder, event.id);
  try {
    await retention.retireEvent({
      eventId: event.id,
      keptDays,
      archive,
      onProgress: (message) => complain(`${event.id}: ${message}`),
    });
    say(`Event ${event.id} is in ${archive.path} and no longer in the database.`);
  } finally {
    await archive.discard();
  }
}

function describe({ id, name, startsAt, seats, records }: RetirableEvent): string {
  return `${id}  ${startsAt.toISOString().slice(0, 10)}  ${name}: ${seats} seats, ${records} records`;
}
