import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import type { HttpService } from '@ticketing/service-kit';
import { bookingSchema, toBookingAnswer } from '../answers/booking-answer.ts';
import { problemAnswers } from '../answers/problem-answers.ts';

const schema = {
  params: Type.Object({ bookingId: Type.String({ format: 'uuid' }) }),
  response: { 200: bookingSchema, ...problemAnswers },
};

/** Whom the history names while nobody has to say who they are. */
const actor = 'payment-api';

/** `POST /api/v1/payment/:bookingId/confirm`: sells what a booking holds; doing it again changes nothing. */
export function addConfirmBookingRoute(app: HttpService, core: SeatCore): void {
  app.post('/api/v1/payment/:bookingId/confirm', { schema }, async ({ params, id: requestId }, reply) => {
    const booking = await core.confirmBooking({ ...params, actor, requestId });
    return reply.header('cache-control', 'no-store').send(toBookingAnswer(booking));
  });
}
