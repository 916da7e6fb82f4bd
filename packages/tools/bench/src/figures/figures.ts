import { bareRoute } from './bare-route.ts';
import { confirm } from './confirm.ts';
import { booking, loneBooking } from './distinct-seats.ts';
import { expiry } from './expiry.ts';
import type { Figure } from './figure.ts';
import { growth100k, growth1k, growth1m, growthTwo } from './growth.ts';
import { hotSeat } from './hot-seat.ts';
import { live } from './live.ts';
import { memory } from './memory.ts';
import { multiSeat } from './multi-seat.ts';
import { onSale } from './on-sale.ts';
import { pageSteps } from './page-steps.ts';
import { seatMap } from './seat-map.ts';
import { loneStatement, statement } from './statement-alone.ts';

/** In the order in which they take turns. */
export const figures: readonly Figure[] = [
  booking,
  statement,
  pageSteps,
  bareRoute,
  hotSeat,
  seatMap,
  loneBooking,
  loneStatement,
  confirm,
  multiSeat,
  onSale,
  expiry,
  growth1k,
  growth100k,
  growth1m,
  growthTwo,
  memory,
  live,
];
