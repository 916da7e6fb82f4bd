import type { ExpiryWorker, SeatCore } from '@ticketing/seat-core';
import { createHttpService, type HttpService, type HttpServiceOptions } from '@ticketing/service-kit';

export interface AppOptions extends Pick<HttpServiceOptions, 'logger' | 'registry' | 'stopping'> {
  readonly core: SeatCore;
  readonly worker: ExpiryWorker;
}

/** Health and metrics. The work comes from the queue and the loops of `startExpiryWorker`. */
export function createApp({ core, worker, ...service }: AppOptions): HttpService {
  return createHttpService({
    ...service,
    readiness: [{ name: 'postgresql', check: () => core.ping() }],
    degradedDependencies: () => [...core.listDegradedDependencies(), ...worker.listDegradedDependencies()],
  });
}
