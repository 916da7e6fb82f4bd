import type { SeatCoreLogger } from '@ticketing/seat-core';
import type { ExpiryWorker } from './start-worker.ts';

/** Writes what becomes of the jobs and of the worker's connection. */
export function logWorkerEvents(worker: ExpiryWorker, logger: SeatCoreLogger): void {
  worker.on('completed', ({ id, data }, { expired }) =>
    logger.info({ jobId: id, bookings: data.bookings.length, expired }, 'job done'),
  );
  worker.on('failed', (job, err) =>
    logger.error({ err, jobId: job?.id, attemptsMade: job?.attemptsMade }, 'job failed'),
  );
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
