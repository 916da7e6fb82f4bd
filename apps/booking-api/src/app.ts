import type { SeatCore } from '@ticketing/seat-core';
import {
  bodylessRoutes,
  createPublicApi,
  type HttpService,
  type PublicApiContext,
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

export interface AppOptions extends PublicApiContext<SeatCore> {
  readonly live: Omit<LiveSeatsOptions, 'registry' | 'allowedOrigins'>;
}

/** A venue of megabytes over a slow line needs longer than the requests of a few lines that are the default. */
const requestTimeoutMs = 30_000;

/** Events, seats and bookings over HTTP, and the live feed of seats. */
export function createApp({ live, ...context }: AppOptions): HttpService {
  const { core, registry, allowedOrigins } = context;
  return createPublicApi(context, {
    docs: {
      title: 'Booking API',
      description:
        'Events, seats and bookings, and a live feed of seats. Every error is answered as problem+json, RFC 9457.',
    },
    requestTimeoutMs,
    isUpgraded: isLivePath,
    routes: (app) => {
      addHoldSeatsRoute(app, core);
      addGetBookingRoute(app, core);
      addListBookingsRoute(app, core);
      app.register(bodylessRoutes((bodyless) => addReleaseBookingRoute(bodyless, core)));

      addListAvailableSeatsRoute(app, core);
      addListEventsRoute(app, core);
      addGetEventRoute(app, core);
      addGetSeatMapRoute(app, core);
      addLiveSeatsWebsocketRoute(app, core, { ...live, registry, allowedOrigins });
      addCreateEventRoute(app, core);
    },
  });
}
