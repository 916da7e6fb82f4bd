import type { SeatCore } from '@ticketing/seat-core';
import { describePublicApi } from '@ticketing/service-kit';
import { createApp } from './app.ts';

export { configSchema } from './config-schema.ts';

/** The OpenAPI document of booking-api, made without an engine or a port. */
export function describeApi(): Promise<object> {
  return describePublicApi<SeatCore>((context) =>
    createApp({ ...context, live: { maxSockets: 0, maxSocketsPerAddress: 0 } }),
  );
}
