import type { LoadResult } from '../load/load-meter.ts';
import type { Part } from '../parts/start-part.ts';
import { cpuMicros, cpuMicrosOfFamily } from '../rig/cpu-micros.ts';
import type { Rig } from '../rig/rig.ts';
import type { Sample } from './sample.ts';

export interface MeasuredLoad {
  readonly result: LoadResult;
  /** CPU time of the window. */
  readonly cpu: { readonly server: number; readonly postgres: number; readonly redis: number };
}

/** @param serverPids the processes that do the work, beside PostgreSQL and Redis */
export async function measureLoad(
  { stack }: Rig,
  load: Part,
  serverPids: readonly number[],
): Promise<MeasuredLoad> {
  const readCpu = async () => ({
    server: await cpuMicros(serverPids),
    postgres: await cpuMicrosOfFamily(stack.postgres.pid()),
    redis: await cpuMicros([stack.redis.pid()]),
  });
  await load.told('measuring');
  const before = await readCpu();
  await load.told('ended');
  const after = await readCpu();
  const { result } = await load.told('result');
  return {
    result,
    cpu: {
      server: after.server - before.server,
      postgres: after.postgres - before.postgres,
      redis: after.redis - before.redis,
    },
  };
}

/**
 * @param done how many of them had the effect that is measured; by default those that were answered as expected
 * @param expected the outcomes that belong to what is measured
 */
export function toSample({ result, cpu }: MeasuredLoad, expected: readonly string[], done?: number): Sample {
  const answers = Object.values(result.answers).reduce((sum, count) => sum + count, 0);
  const foreseen = expected.reduce((sum, outcome) => sum + (result.answers[outcome] ?? 0), 0);
  const perRequest = (micros: number) => micros / answers;
  return {
    perSecond: (done ?? foreseen) / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    serverMicros: perRequest(cpu.server),
    postgresMicros: perRequest(cpu.postgres),
    redisMicros: perRequest(cpu.redis),
    loadMicros: perRequest(result.loadMicros),
    unexpected: answers - foreseen,
  };
}
