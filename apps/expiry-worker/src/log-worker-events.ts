import type { SeatCoreLogger } from '@ticketing/seat-core';
import type { ExpiryWorker } from './start-worker.ts';

/** Writes what becomes of the jobs and of the worker's connection. */
export function logWorkerEvents(worker: ExpiryWorker, logger: SeatCoreLogger): void {
  worker.on('completed', ({ id, data }, { expired }) =>
    logger.info({ jobId: id, bookings: data.bookings.length, expired }, 'job done'),
  );
  worker.on('failed', (job, err) => {
    const fields = { err, jobId: job?.id, attemptsMade: job?.attemptsMade };
    // Between two attempts somebody else may have ended the hold; only what is given up wants a person.
    if (job?.finishedOn === undefined) logger.warn(fields, 'job failed, and will be tried again');
    else logger.error(fields, 'job failed');
  });
  worker.on('stalled', (jobId) => logger.warn({ jobId }, 'job of a worker that died, given to another'));

  // Each attempt to connect again fails with the same words: they are written once until they change.
  let lastWords = '';
  worker.on('error', (err) => {
    if (err.message === lastWords) return;
    lastWords = err.message;
    logger.error({ err }, 'the worker met an error; it goes on by itself');
  });
  worker.on('ready', () => {
    if (lastWords !== '') logger.info({}, 'the worker is connected again');
    lastWords = '';
  });
}
