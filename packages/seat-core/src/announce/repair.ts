import { setTimeout as delay } from 'node:timers/promises';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreLogger } from '../options.ts';
import type { Connections } from '../postgres/connections.ts';
import { dropAvailableLists } from '../redis/available-lists.ts';
import { cacheSeatStatuses, readCachedStatuses, type CachedSeat } from '../redis/gatekeeper.ts';
import type { RedisClient } from '../redis/keys.ts';
import type { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import type { SeatStatus } from '../types.ts';
import { InputCheck } from '../validation.ts';
import { recentSeatsStatement, touchedSeatsStatement } from './repair.sql.ts';

export interface RepairDependencies {
  readonly connections: Connections;
  readonly redis: CircuitBreaker<RedisClient>;
  readonly metrics: SeatCoreMetrics;
  readonly logger: SeatCoreLogger;
}

interface TouchedSeatRow {
  readonly event_id: string;
  readonly seat_id: string;
  readonly status: SeatStatus;
  /** Of the hold that has the seat; null when there is none, or it is overdue. */
  readonly expires_at: Date | null;
}

const maxRepairSeconds = 86_400;
/** Read from the table at a time, and sent to Redis at a time. */
const secondsPerSlice = 30;
const seatsPerSlice = 500;
/** No request waits for a repair, so it may take longer than a step of a request. */
const sliceLimitMs = 500;
/** Writes of the last moments before an outage was noticed may be lost, too. */
const outageMarginSeconds = 5;
/** After this, commands that were sent before the outage have arrived. */
const secondRepairAfterMs = 1_000;

/**
 * Compares the status keys of all seats that changed lately with the table, and corrects those that differ: a write
 * that came late, a delete that was lost.
 *
 * @returns how many keys it corrected
 */
export async function repairCache(
  dependencies: RepairDependencies,
  input: { readonly sinceSeconds?: number } = {},
): Promise<number> {
  const check = new InputCheck(input);
  const sinceSeconds = check.integer('/sinceSeconds', input.sinceSeconds ?? 5, 1, maxRepairSeconds);
  check.throwIfAny();
  let repaired = 0;
  const startedAt = performance.now();
  // The newest slice first. Seconds count back from the database's now, which moves on between the slices: the far end
  // of each slice moves with it, so that no gap opens.
  for (let until = 0; until < sinceSeconds; until += secondsPerSlice) {
    const elapsedSeconds = (performance.now() - startedAt) / 1_000;
    const since = Math.min(until + secondsPerSlice, sinceSeconds) + elapsedSeconds;
    repaired += await repairTouched(dependencies, since, until);
  }
  if (repaired > 0) {
    dependencies.metrics.cacheRepairs.inc(repaired);
    dependencies.logger.info({ keys: repaired }, 'cache repair: status keys differed from the table');
  }
  return repaired;
}

/**
 * Makes the repair that follows an outage of Redis: all seats that changed during the outage, at once and again a
 * second later. When Redis fails again meanwhile, the next repair starts where this one did.
 *
 * @param stopping ends the wait for the second repair
 */
export function createOutageRepair(
  dependencies: RepairDependencies,
  stopping: AbortSignal,
): (outageMs: number) => Promise<void> {
  let outageStartedAt: number | null = null;
  return async (outageMs) => {
    const since = (outageStartedAt ??= performance.now() - outageMs);
    const repair = () => {
      const seconds = Math.ceil((performance.now() - since) / 1_000) + outageMarginSeconds;
      return repairCache(dependencies, { sinceSeconds: Math.min(seconds, maxRepairSeconds) });
    };
    await repair();
    await delay(secondRepairAfterMs, undefined, { signal: stopping, ref: false }).catch(() => undefined);
    if (stopping.aborted) return;
    await repair();
    outageStartedAt = null;
  };
}

async function repairTouched(
  { connections, redis }: RepairDependencies,
  since: number,
  until: number,
): Promise<number> {
  const touched =
    until === 0
      ? await connections.rows<TouchedSeatRow>(recentSeatsStatement, [since])
      : await connections.rows<TouchedSeatRow>(touchedSeatsStatement, [since, until]);
  let repaired = 0;
  for (let start = 0; start < touched.length; start += seatsPerSlice) {
    const slice = touched.slice(start, start + seatsPerSlice);
    repaired += await redis.run((client) => repairSlice(client, slice), sliceLimitMs);
  }
  return repaired;
}

async function repairSlice(redis: RedisClient, touched: readonly TouchedSeatRow[]): Promise<number> {
  const cached = await readCachedStatuses(
    redis,
    touched.map((row) => row.seat_id),
  );
  const wrong = touched.filter((row, index) => (cached[index] ?? 'AVAILABLE') !== toCachedSeat(row).status);
  await cacheSeatStatuses(redis, wrong.map(toCachedSeat));
  await Promise.all(
    [...new Set(wrong.map((row) => row.event_id))].map((eventId) => dropAvailableLists(redis, eventId)),
  );
  return wrong.length;
}

/** A seat whose hold is overdue may be held again, so it gets no key. */
function toCachedSeat({ seat_id: seatId, status, expires_at: expiresAt }: TouchedSeatRow): CachedSeat {
  if (status === 'SOLD') return { seatId, status };
  return expiresAt === null ? { seatId, status: 'AVAILABLE' } : { seatId, status: 'RESERVED', expiresAt };
}
