import type { SeatCore } from '@ticketing/seat-core';
import { createLogger, openApiOf } from '@ticketing/service-kit';
import { Registry } from 'prom-client';
import { createApp } from './app.ts';

/** The OpenAPI document of payment-api, made without an engine or a port: for the copy in the documents. */
export async function describeApi(): Promise<object> {
  const app = createApp({
    core: {} as SeatCore,
    authentication: { kind: 'off' },
    limits: { max: 0, windowSeconds: 1 },
    logger: createLogger({ name: 'payment-api', level: 'silent' }),
    registry: new Registry(),
  });
  try {
    return await openApiOf(app);
  } finally {
    await app.close();
  }
}
