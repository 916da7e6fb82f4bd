import type { ExpiryQueue, SeatCoreLogger } from '@ticketing/seat-core';
import { Gauge, type Registry } from 'prom-client';

const states = ['waiting', 'active', 'delayed', 'failed'] as const;

/**
 * Shows how many jobs the queue has, counted when somebody asks for the metrics. While Redis does not answer
 * there is no number, rather than an old one.
 *
 * @param queue on a connection of `openQueueRedis`, whose commands end after half a second
 */
export function exportQueueJobs(registry: Registry, queue: ExpiryQueue, logger: SeatCoreLogger): void {
  new Gauge({
    name: 'queue_jobs',
    help: 'Clean-up jobs by state.',
    labelNames: ['state'] as const,
    registers: [registry],
    async collect() {
      this.reset();
      try {
        const counts = await queue.getJobCounts(...states);
        for (const state of states) this.set({ state }, counts[state] ?? 0);
      } catch (err) {
        logger.debug({ err }, 'the queue could not be counted');
      }
    },
  });
}
