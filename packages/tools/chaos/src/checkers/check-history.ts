import type { Finding } from '../history.ts';
import { checkAnswers } from './check-answers.ts';
import { checkCap } from './check-cap.ts';
import { checkCounters } from './check-counters.ts';
import { checkDeadlines } from './check-deadlines.ts';
import { checkKeys } from './check-keys.ts';
import { checkSales } from './check-sales.ts';
import { checkSeatHistory } from './check-seat-history.ts';
import { checkUnforeseen } from './check-unforeseen.ts';
import type { Evidence } from './evidence.ts';

/** Everything that can be said about a run once it is over. */
export function checkHistory(evidence: Evidence): Finding[] {
  return [
    checkSeatHistory,
    checkAnswers,
    checkSales,
    checkDeadlines,
    checkKeys,
    checkCap,
    checkCounters,
    checkUnforeseen,
  ].flatMap((check) => check(evidence));
}
