import { bareRoute } from './bare-route.ts';
import { booking, loneBooking } from './distinct-seats.ts';
import type { Figure } from './figure.ts';
import { hotSeat } from './hot-seat.ts';
import { pageSteps } from './page-steps.ts';
import { loneStatement, statement } from './statement-alone.ts';

/** In the order in which they take turns. */
export const figures: readonly Figure[] = [
  booking,
  statement,
  pageSteps,
  bareRoute,
  hotSeat,
  loneBooking,
  loneStatement,
];
