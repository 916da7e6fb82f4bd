import { backendCpu } from './backend-cpu.ts';
import { expiry } from './expiry.ts';
import type { Figure } from './figure.ts';
import { growthFigures } from './growth.ts';
import { live, memory } from './one-process.ts';
import { requestFigures } from './requests.ts';
import { loneStatement, statement } from './statement.ts';

/** In the order of their turns; the two figures of a ratio are near to each other. */
export const figures: readonly Figure[] = [
  statement,
  ...requestFigures,
  loneStatement,
  backendCpu,
  expiry,
  ...growthFigures,
  memory,
  live,
];
