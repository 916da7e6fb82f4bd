import type { ExpiryJobData, ExpiryQueue } from '@ticketing/seat-core/clients';
import type { Job } from 'bullmq';
import { withQueue } from './open-ops-queue.ts';
import { OpsError, type OpsCommand, type OpsContext } from './ops-context.ts';
import { reasonOf } from './reason-of.ts';
import { parseOptions } from './parse-options.ts';

const jobsPerPage = 100;
const noneFailed = 'No job has failed.';

/** `jobs failed`: the jobs that the worker gave up, the latest first. The sweep has ended their holds all the same. */
export const listFailedJobs: OpsCommand = async (context) => {
  parseOptions({ args: [...context.args] });
  return withQueue(context, async (queue) => {
    const count = await queue.getFailedCount();
    context.say(count === 0 ? noneFailed : `${count} failed ${count === 1 ? 'job' : 'jobs'}`);
    for await (const job of failedJobs(queue)) {
      const at = job.finishedOn === undefined ? 'an unknown time' : new Date(job.finishedOn).toISOString();
      context.say('');
      context.say(`${job.id}  failed at ${at}, attempt ${job.attemptsMade}: ${job.failedReason}`);
      context.say(`  bookings: ${describeBookings(job.data)}`);
    }
    return 0;
  });
};

/** `jobs retry <id>|all`: puts failed jobs back into the queue, with all their attempts. */
export const retryJobs: OpsCommand = async (context) => {
  const wanted = readId(context, 'jobs retry <id>|all');
  return withQueue(context, async (queue) => {
    if (wanted !== 'all') {
      const job = await findFailedJob(queue, wanted);
      await job.retry('failed', { resetAttemptsMade: true });
      context.say(`Job ${wanted} is in the queue again.`);
      return 0;
    }
    // Collected first: a job that fails again at once must not be retried twice.
    const ids: string[] = [];
    for await (const { id } of failedJobs(queue)) if (id !== undefined) ids.push(id);
    if (ids.length === 0) context.say(noneFailed);
    let failures = 0;
    for (const id of ids) {
      try {
        await (await findFailedJob(queue, id)).retry('failed', { resetAttemptsMade: true });
        context.say(`Job ${id} is in the queue again.`);
      } catch (error) {
        failures += 1;
        context.complain(`Job ${id} could not be retried: ${reasonOf(error)}`);
      }
    }
    return failures === 0 ? 0 : 1;
  });
};

/** `jobs discard <id>`: deletes a job that no attempt can help, such as one with malformed data. */
export const discardJob: OpsCommand = async (context) => {
  const wanted = readId(context, 'jobs discard <id>');
  return withQueue(context, async (queue) => {
    await (await findFailedJob(queue, wanted)).remove();
    context.say(`Job ${wanted} is deleted.`);
    return 0;
  });
};

function readId({ args }: OpsContext, usage: string): string {
  const [id, ...rest] = parseOptions({ args: [...args], allowPositionals: true }).positionals;
  if (rest.length > 0) throw new OpsError(`Name one job at a time: ${usage}.`);
  if (id === undefined) throw new OpsError(`Name a job: ${usage}; "jobs failed" lists them.`);
  return id;
}

async function findFailedJob(queue: ExpiryQueue, id: string): Promise<Job<ExpiryJobData>> {
  const job = await queue.getJob(id);
  if (job === undefined) throw new OpsError(`There is no job ${id}; "jobs failed" lists the failed jobs.`);
  const state = await job.getState();
  if (state !== 'failed') throw new OpsError(`Job ${id} has not failed: it is ${state}. Nothing was done.`);
  return job;
}

async function* failedJobs(queue: ExpiryQueue): AsyncGenerator<Job<ExpiryJobData>> {
  for (let start = 0; ; start += jobsPerPage) {
    const page = await queue.getFailed(start, start + jobsPerPage - 1);
    yield* page;
    if (page.length < jobsPerPage) return;
  }
}

/** Any program that can write to Redis can add a job, so its data may be anything. */
function describeBookings(data: unknown): string {
  const bookings =
    typeof data === 'object' && data !== null && 'bookings' in data && Array.isArray(data.bookings)
      ? data.bookings
      : [];
  const ids = bookings.map((booking: unknown) =>
    typeof booking === 'object' && booking !== null && 'bookingId' in booking
      ? String(booking.bookingId)
      : '?',
  );
  return ids.length === 0 ? 'none, its data is malformed' : ids.join(', ');
}
