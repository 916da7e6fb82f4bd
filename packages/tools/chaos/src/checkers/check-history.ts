import type { Finding } from '../history.ts';
import { checkAnswers } from './check-answers.ts';
import { checkCap } from './check-cap.ts';
import { checkDeadlines } from './check-deadlines.ts';
import { checkKeys } from './check-keys.ts';
import { checkSeatHistory } from './check-seat-history.ts';
import type { Evidence } from './evidence.ts';

/** Judges a run by its recorded answers and the rows that it left. */
export function checkHistory(evidence: Evidence): Finding[] {
  return [checkSeatHistory, checkAnswers, checkDeadlines, checkKeys, checkCap].flatMap((check) =>
    check(evidence),
  );
}
