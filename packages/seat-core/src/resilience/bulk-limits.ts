import type { Registry } from 'prom-client';
import { exportBytesOfSeats } from '../metrics.ts';
import { BulkTurns } from './bulk-turns.ts';
import { MemoryBudget } from './memory-budget.ts';

/** The turns and the memory of work that handles every seat of an event at once, all events of a process together. */
export interface BulkLimits {
  readonly turns: BulkTurns;
  readonly memory: MemoryBudget;
}

export function createBulkLimits(options: {
  readonly maxBytesOfSeats?: number;
  readonly registry?: Registry;
}): BulkLimits {
  const memory = new MemoryBudget(options.maxBytesOfSeats);
  if (options.registry !== undefined) exportBytesOfSeats(options.registry, memory);
  return { turns: new BulkTurns(), memory };
}
