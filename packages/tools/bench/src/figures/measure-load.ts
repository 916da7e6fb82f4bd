import type { LoadJob } from '../load/load-job.ts';
import type { LoadResult, LoadTimes } from '../load/load-meter.ts';
import { startChild, type Child } from '../rig/child-process.ts';
import { cpuMicros, cpuMicrosOfFamily } from '../rig/process-usage.ts';
import type { Rig } from '../rig/rig.ts';
import { countBookings, vacuumTables, waitUntilIdle } from '../rig/stores.ts';
import type { Effort, Figure, Sample } from './figure.ts';

interface MeasuredLoad {
  readonly result: LoadResult;
  /** CPU time in the window: of the services, of PostgreSQL, of Redis. */
  readonly cpu: readonly number[];
}

/** @param pids the processes that do the work, beside PostgreSQL and Redis */
export async function measureLoad(
  { stack }: Rig,
  load: Child,
  pids: readonly number[],
): Promise<MeasuredLoad> {
  const readCpu = async () => [
    await cpuMicros(pids),
    await cpuMicrosOfFamily(stack.postgres.pid()),
    await cpuMicros([stack.redis.pid()]),
  ];
  await load.message('measuring');
  const before = await readCpu();
  await load.message('ended');
  const after = await readCpu();
  const { result } = await load.message('result');
  return { result, cpu: after.map((micros, index) => micros - before[index]!) };
}

/**
 * @param expected the outcomes that belong to the figure
 * @param done how many requests had the measured effect; default the number of expected answers
 */
export function toSample({ result, cpu }: MeasuredLoad, expected: readonly string[], done?: number): Sample {
  const answers = Object.values(result.answers).reduce((sum, count) => sum + count, 0);
  const foreseen = expected.reduce((sum, outcome) => sum + (result.answers[outcome] ?? 0), 0);
  const { seconds, p50Ms, p99Ms } = result;
  const perSecond = (done ?? foreseen) / seconds;
  return { perSecond, p50Ms, p99Ms, ...costs({ result, cpu }, answers), unexpected: answers - foreseen };
}

/** CPU time per piece of work. */
export function costs({ result, cpu }: MeasuredLoad, work: number): Sample {
  const [server = Number.NaN, postgres = Number.NaN, redis = Number.NaN] = cpu;
  return {
    serverMicros: server / work,
    postgresMicros: postgres / work,
    redisMicros: redis / work,
    loadMicros: result.loadMicros / work,
  };
}

export interface PreparedRequests extends Pick<LoadJob, 'url' | 'script'> {
  readonly pids: readonly number[];
  /** Default 64. */
  readonly callers?: number;
  /** Default the stack's. */
  readonly databaseUrl?: string;
  /** Called after the load. */
  readonly end?: () => void;
}

/** Sends requests to running processes, and waits until the last transaction of an unanswered one has ended. */
export async function measureRequests(
  rig: Rig,
  { url, script, pids, databaseUrl = rig.stack.databaseUrl, callers = 64 }: PreparedRequests,
  { warmUpMs, measureMs }: LoadTimes,
): Promise<MeasuredLoad> {
  await vacuumTables(databaseUrl);
  const job: LoadJob = { url, script, callers, warmUpMs, measureMs };
  await using child = startChild('load-generator', job, rig.stack.folder);
  const measured = await measureLoad(rig, child, pids);
  await waitUntilIdle(databaseUrl);
  return measured;
}

/**
 * A figure of requests from callers that each wait for an answer before the next request.
 *
 * @param expected the outcomes that belong to it
 * @param table counts the bookings of this table in place of the expected answers
 */
export function requestFigure(
  name: string,
  title: string,
  expected: readonly string[],
  prepare: (rig: Rig, effort: Effort) => Promise<PreparedRequests>,
  table?: string,
): Figure {
  return {
    name,
    title,
    measure: async (rig, effort) => {
      const prepared = await prepare(rig, effort);
      const measured = await measureRequests(rig, prepared, effort).finally(prepared.end);
      const { databaseUrl = rig.stack.databaseUrl } = prepared;
      const booked =
        table === undefined ? undefined : await countBookings(databaseUrl, measured.result, table);
      return toSample(measured, expected, booked);
    },
  };
}
