import {
  createExpiryQueue,
  openQueueRedis,
  type ExpiryQueue,
  type SeatCoreLogger,
} from '@ticketing/seat-core';

export interface QueueView {
  readonly queue: ExpiryQueue;
  readonly close: () => Promise<void>;
}

/**
 * The queue as something to look at, on a connection whose commands end after half a second: whoever asks for
 * metrics must not wait for a Redis that is away.
 */
export async function openQueueView(redisUrl: string, logger: SeatCoreLogger): Promise<QueueView> {
  // The engine and the worker tell of the same Redis when it is away, so this connection need not.
  const report = (err: Error) => logger.debug({ err, part: 'queue view' }, 'connection error');
  const redis = await openQueueRedis({ redisUrl, onConnectionError: report });
  const queue = createExpiryQueue(redis);
  queue.on('error', report);
  return {
    queue,
    close: async () => {
      await queue.close();
      redis.disconnect();
    },
  };
}
