import type { SeatCore } from '@ticketing/seat-core';
import {
  addAuthentication,
  type AuthenticationSettings,
  bodylessRoutes,
  createHttpService,
  type HttpService,
  type HttpServiceOptions,
} from '@ticketing/service-kit';
import { addConfirmBookingRoute } from './routes/confirm-booking-route.ts';

export interface AppOptions extends Pick<HttpServiceOptions, 'logger' | 'registry' | 'stopping'> {
  readonly core: SeatCore;
  readonly authentication: AuthenticationSettings;
}

/** Confirms bookings over HTTP. */
export function createApp({ core, authentication, ...service }: AppOptions): HttpService {
  const app = createHttpService({
    ...service,
    readiness: [{ name: 'postgresql', check: () => core.ping() }],
    faultyParts: () => core.listFaultyParts(),
  });
  addAuthentication(app, authentication, service.logger);
  app.register(bodylessRoutes((routes) => addConfirmBookingRoute(routes, core)));
  return app;
}
