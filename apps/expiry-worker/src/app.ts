import type { ExpiryQueue, SeatCore } from '@ticketing/seat-core';
import { createHttpService, type HttpService, type HttpServiceOptions } from '@ticketing/service-kit';
import { exportQueueJobs } from './export-queue-jobs.ts';

export interface AppOptions extends Pick<HttpServiceOptions, 'logger' | 'registry' | 'stopping'> {
  readonly core: SeatCore;
  readonly expiryQueue: ExpiryQueue;
}

/** Health and metrics; the work itself comes from the queue and the clock. */
export function createApp({ core, expiryQueue, ...service }: AppOptions): HttpService {
  exportQueueJobs(service.registry, expiryQueue, service.logger);
  return createHttpService({
    ...service,
    readiness: [{ name: 'postgresql', check: () => core.ping() }],
    degradedDependencies: () => core.listFaultyParts(),
  });
}
