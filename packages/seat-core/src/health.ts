import type { Context } from './options.ts';

/** A part without which the engine goes on, worse than it could. */
export interface FaultyPart {
  readonly name: 'redis' | 'queue' | 'clock' | 'replica';
  readonly status: 'down' | 'misconfigured';
  /** A sentence for an operator: what is wrong, and what that means. */
  readonly detail: string;
}

/** More than this between the clocks, and status keys end noticeably before or after their holds. */
const clockToleranceSeconds = 1;

/** What is known to be wrong this moment; asks nobody. */
export function listFaultyParts({ redis, expiryQueue, clocks, replica }: Context): FaultyPart[] {
  const parts: FaultyPart[] = [];
  if (redis.isAway) {
    const detail =
      'Redis does not answer or cannot be written to. PostgreSQL decides alone, so sales go on, slower.';
    parts.push({ name: 'redis', status: 'down', detail });
  }
  const policy = expiryQueue?.evictionPolicy() ?? null;
  if (expiryQueue?.guarded.isAway === true) {
    const detail =
      'The Redis of the queue does not answer or cannot be written to. The sweep ends holds in place of their jobs.';
    parts.push({ name: 'queue', status: 'down', detail });
  } else if (policy !== null && policy !== 'noeviction') {
    const detail = `The Redis of the queue drops data when it is full (maxmemory-policy ${policy}), jobs among it. It must be noeviction.`;
    parts.push({ name: 'queue', status: 'misconfigured', detail });
  }
  if (Math.abs(clocks.offsetSeconds) > clockToleranceSeconds) {
    const [sooner, side] = clocks.offsetSeconds > 0 ? ['early', 'ahead of'] : ['late', 'behind'];
    const seconds = Math.abs(clocks.offsetSeconds).toFixed(1);
    const detail = `The clock of Redis is ${seconds} s ${side} PostgreSQL’s: status keys end that much too ${sooner}.`;
    parts.push({ name: 'clock', status: 'misconfigured', detail });
  }
  if (replica?.isAway === true) {
    const detail = 'The replica does not answer, or is behind. Lists and maps are read from the primary.';
    parts.push({ name: 'replica', status: 'down', detail });
  }
  return parts;
}
