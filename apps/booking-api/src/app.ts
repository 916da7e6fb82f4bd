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
import { addCreateEventRoute } from './routes/create-event-route.ts';
import {
  addLiveSeatsWebsocketRoute,
  isLivePath,
  type LiveSeatsOptions,
} from './routes/live-seats-websocket-route.ts';
import { addGetBookingRoute } from './routes/get-booking-route.ts';
import { addGetEventRoute } from './routes/get-event-route.ts';
import { addGetSeatMapRoute } from './routes/get-seat-map-route.ts';
import { addHoldSeatsRoute } from './routes/hold-seats-route.ts';
import { addListAvailableSeatsRoute } from './routes/list-available-seats-route.ts';
import { addListBookingsRoute } from './routes/list-bookings-route.ts';
import { addListEventsRoute } from './routes/list-events-route.ts';
import { addReleaseBookingRoute } from './routes/release-booking-route.ts';

export interface AppOptions extends Pick<
  HttpServiceOptions,
  'logger' | 'registry' | 'stopping' | 'trustedProxies' | 'allowedOrigins'
> {
  readonly core: SeatCore;
  readonly authentication: AuthenticationSettings;
  readonly limits: Omit<LimitOptions, 'logger'>;
  readonly live: Omit<LiveSeatsOptions, 'registry' | 'allowedOrigins'>;
}

/** Events, seats and bookings over HTTP. */
export function createApp({ core, authentication, limits, live, ...service }: AppOptions): HttpService {
  const app = createHttpService({
    ...service,
    readiness: [{ name: 'postgresql', check: () => core.ping() }],
    faultyParts: () => core.listFaultyParts(),
    docs: {
      title: 'Booking API',
      description:
        'Events, seats and bookings, and a live feed of seats. Every fault is problem+json, RFC 9457.',
    },
    isUpgraded: isLivePath,
  });
  const { logger, registry } = service;
  addOverloadShedding(app);
  addAddressLimit(app, { ...limits, logger });
  addAuthentication(app, authentication, logger);
  addUserLimit(app, { ...limits, logger });
  addIdempotencyKeys(app);

  // A hall of a megabyte over a slow line; service-kit's five seconds are for requests of a few lines. Headers
  // keep theirs, and the check for late requests reads this anew each second.
  app.server.requestTimeout = 30_000;

  app.register(async (routes: HttpService) => {
    addHoldSeatsRoute(routes, core);
    addGetBookingRoute(routes, core);
    addListBookingsRoute(routes, core);
    routes.register(bodylessRoutes((bodyless) => addReleaseBookingRoute(bodyless, core)));

    addListAvailableSeatsRoute(routes, core);
    addListEventsRoute(routes, core);
    addGetEventRoute(routes, core);
    addGetSeatMapRoute(routes, core);
    addLiveSeatsWebsocketRoute(routes, core, { ...live, registry, allowedOrigins: service.allowedOrigins });
    addCreateEventRoute(routes, core);
  });
  return app;
}
