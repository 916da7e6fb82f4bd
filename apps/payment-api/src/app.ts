import type { SeatCore } from '@ticketing/seat-core';
import {
  bodylessRoutes,
  createPublicApi,
  type HttpService,
  type PublicApiContext,
} from '@ticketing/service-kit';
import { addConfirmBookingRoute } from './routes/confirm-booking-route.ts';

/** Confirms bookings over HTTP. */
export function createApp(context: PublicApiContext<SeatCore>): HttpService {
  return createPublicApi(context, {
    docs: {
      title: 'Payment API',
      description: 'Confirms bookings. Every error is answered as problem+json, RFC 9457.',
    },
    routes: (app) => {
      app.register(bodylessRoutes((routes) => addConfirmBookingRoute(routes, context.core)));
    },
  });
}
