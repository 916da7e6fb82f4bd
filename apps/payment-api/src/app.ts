import type { SeatCore } from '@ticketing/seat-core';
import {
  addAddressLimit,
  addAuthentication,
  addIdempotencyKeys,
  addOverloadShedding,
  addUserLimit,
  type AuthenticationSettings,
  bodylessRoutes,
  createHttpService,
  type HttpService,
  type HttpServiceOptions,
  type LimitOptions,
} from '@ticketing/service-kit';
import { addConfirmBookingRoute } from './routes/confirm-booking-route.ts';

export interface AppOptions extends Pick<
  HttpServiceOptions,
  'logger' | 'registry' | 'stopping' | 'trustedProxies' | 'allowedOrigins'
> {
  readonly core: SeatCore;
  readonly authentication: AuthenticationSettings;
  readonly limits: Omit<LimitOptions, 'logger'>;
}

/** Confirms bookings over HTTP. */
export function createApp({ core, authentication, limits, ...service }: AppOptions): HttpService {
  const app = createHttpService({
    ...service,
    readiness: [{ name: 'postgresql', check: () => core.ping() }],
    faultyParts: () => core.listFaultyParts(),
    docs: { title: 'Payment API', description: 'Confirms bookings. Every fault is problem+json, RFC 9457.' },
  });
  const { logger } = service;
  addOverloadShedding(app);
  addAddressLimit(app, { ...limits, logger });
  addAuthentication(app, authentication, logger);
  addUserLimit(app, { ...limits, logger });
  addIdempotencyKeys(app);
  app.register(bodylessRoutes((routes) => addConfirmBookingRoute(routes, core)));
  return app;
}
