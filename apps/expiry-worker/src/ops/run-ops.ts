import { ConfigError } from '@ticketing/service-kit';
import { auditCommand } from './audit-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { listFailedJobs, discardJob, retryJobs } from './jobs-commands.ts';
import { OpsError, type OpsCommand, type OpsContext } from './ops-context.ts';
import { reasonOf } from './reason-of.ts';
import { retireCommand } from './retire-command.ts';

const commands: Readonly<Record<string, OpsCommand>> = {
  audit: auditCommand,
  doctor: doctorCommand,
  'jobs failed': listFailedJobs,
  'jobs retry': retryJobs,
  'jobs discard': discardJob,
  'events retire': retireCommand,
};

const usage = `Usage: <command>, with the environment of the services

  audit [--time-limit SECONDS]     check the invariants, and rebuild the tables from the history (DATABASE_URL)
  doctor [--json]                  ask PostgreSQL, its replica, Redis and the clocks for all that the services rely on
  jobs failed                      list the clean-up jobs that failed for good (QUEUE_REDIS_URL or REDIS_URL)
  jobs retry <id>|all              put failed jobs back into the queue
  jobs discard <id>                delete a failed job that can never succeed
  events retire [--older-than-days DAYS] [--event ID] --archive FOLDER [--yes]
                                   archive events that are long over and delete them (MIGRATE_DATABASE_URL or
                                   DATABASE_URL of the owner, and REDIS_URL); without --yes only list them

Exit code: 0 done, 1 done with findings or failures, 2 not done.`;

/** Finds the command and runs it. @returns the exit code */
export async function runOps(context: OpsContext): Promise<number> {
  const [first = '', second = ''] = context.args;
  if (first === '' || first === 'help' || context.args.includes('--help')) {
    context.say(usage);
    return first === '' ? 2 : 0;
  }
  const words = [`${first} ${second}`, first].find((name) => commands[name] !== undefined);
  const command = words === undefined ? undefined : commands[words];
  if (words === undefined || command === undefined) {
    context.complain(`There is no command "${context.args.join(' ')}".\n\n${usage}`);
    return 2;
  }
  try {
    return await command({ ...context, args: [...context.args].slice(words.split(' ').length) });
  } catch (error) {
    const isExpected = error instanceof OpsError || error instanceof ConfigError;
    context.complain(isExpected ? error.message : `${words}: ${reasonOf(error)}`);
    return 2;
  }
}
