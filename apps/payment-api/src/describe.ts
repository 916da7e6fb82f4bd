import { describePublicApi } from '@ticketing/service-kit';
import { createApp } from './app.ts';

export { configSchema } from './config-schema.ts';

/** The OpenAPI document of payment-api, made without an engine or a port. */
export function describeApi(): Promise<object> {
  return describePublicApi(createApp);
}
