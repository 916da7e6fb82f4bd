import type { SeatCoreLogger } from '../options.ts';
import { CommitGate } from '../resilience/commit-gate.ts';
import { InputCheck } from '../validation.ts';
import { Connections } from './connections.ts';
import type { Database } from './pool.ts';

/** The shares of the pool. Whatever fills or breaks one lane, the others go on. */
export interface Lanes {
  /** Hold, confirm, release, expire; a booking, a key, the clock. */
  readonly sales: Connections;
  /** Events, lists, maps, states: what anybody may ask for, as often as they like. */
  readonly reads: Connections;
  /** An event with all of its seats, one at a time. */
  readonly creating: Connections;
  /** Closed while nothing can be committed. */
  readonly commits: CommitGate;
  /** Ends the probing. */
  readonly close: () => void;
}

export interface LanesOptions {
  readonly logger: SeatCoreLogger;
  /** Whether commits wait for a standby, at the start and at each change. */
  readonly onCommitsWait?: (areWaiting: boolean) => void;
}

const minPoolMax = 4;

/** @returns of 10 connections 6 for sales, 3 for reads, 1 for creating */
export function sharesOf(poolMax: number): Record<'sales' | 'reads' | 'creating', number> {
  const creating = 1;
  const reads = Math.max(1, Math.floor(poolMax * 0.3));
  return { sales: poolMax - reads - creating, reads, creating };
}

/** @throws VALIDATION_FAILED when the pool is too small to be divided */
export function openLanes(database: Database, { logger, onCommitsWait }: LanesOptions): Lanes {
  const check = new InputCheck({});
  const { max } = database.$client.options;
  if (max < minPoolMax)
    check.error(
      '/databasePoolMax',
      `must be ${minPoolMax} or more: sales, reads and creating share the pool`,
    );
  check.throwIfAny();
  const shares = sharesOf(max);
  const commits = new CommitGate({ logger, ...(onCommitsWait && { onState: onCommitsWait }) });
  const lane = (name: keyof typeof shares, bounds: { waitMs: number; waitingPerConnection: number }) =>
    new Connections({ database, lane: name, connections: shares[name], ...bounds, commits, logger });
  const sales = lane('sales', { waitMs: 400, waitingPerConnection: 60 });
  const reads = lane('reads', { waitMs: 700, waitingPerConnection: 100 });
  // An event of 100,000 seats takes some seconds: the last one in line still has the time for its own.
  const creating = lane('creating', { waitMs: 20_000, waitingPerConnection: 20 });
  return {
    sales,
    reads,
    creating,
    commits,
    close: () => {
      for (const opened of [sales, reads, creating]) opened.close();
    },
  };
}
