import type { Redis } from 'ioredis';
import { SeatCoreError } from './errors.ts';
import type { SeatCoreMetrics } from './metrics.ts';
import type { Connections } from './postgres/connections.ts';
import type { Reads } from './postgres/replica.ts';
import { pingStatement, readClockStatement } from './postgres/server.sql.ts';
import type { GuardedQueue } from './queue/expiry-queue.ts';
import type { CircuitBreaker } from './resilience/circuit-breaker.ts';

/** A dependency without which the engine goes on, slower or with less safety. */
export interface DegradedDependency {
  readonly name: 'redis' | 'queue' | 'clock' | 'replica';
  readonly status: 'down' | 'misconfigured';
  /** A sentence for an operator: what is wrong, and what follows from it. */
  readonly detail: string;
}

export interface HealthDependencies {
  readonly connections: Connections;
  readonly reads: Reads;
  readonly redis: CircuitBreaker<Redis>;
  readonly queue: GuardedQueue | null;
  readonly metrics: SeatCoreMetrics;
}

/** Beyond this difference of the clocks, status keys end noticeably before or after their holds. */
const clockToleranceSeconds = 1;

export class Health {
  readonly #dependencies: HealthDependencies;
  #clockOffsetSeconds = 0;

  constructor(dependencies: HealthDependencies) {
    this.#dependencies = dependencies;
  }

  /** @see SeatCore.ping */
  async ping(): Promise<void> {
    await this.#dependencies.connections.rows(pingStatement, []);
  }

  /** @see SeatCore.measureClockOffset */
  async measureClockOffset(): Promise<number> {
    const { connections, redis, metrics } = this.#dependencies;
    const [[seconds, microseconds], [row]] = await Promise.all([
      redis
        .run((client) => client.time())
        .catch((cause: unknown) => {
          throw new SeatCoreError('DEPENDENCY_UNAVAILABLE', 'Redis does not answer TIME', {}, { cause });
        }),
      connections.rows<{ now: number }>(readClockStatement, []),
    ]);
    const offset = Number(seconds) + Number(microseconds) / 1e6 - row!.now;
    metrics.redisClockOffset.set(offset);
    this.#clockOffsetSeconds = offset;
    return offset;
  }

  /** @see SeatCore.listDegradedDependencies */
  listDegraded(): DegradedDependency[] {
    const { redis, queue, reads } = this.#dependencies;
    const degraded: DegradedDependency[] = [];
    if (redis.isOpen) {
      const detail =
        'Redis does not answer or refuses writes. PostgreSQL decides alone: sales go on, slower.';
      degraded.push({ name: 'redis', status: 'down', detail });
    }
    if (queue?.breaker.isOpen === true) {
      const detail =
        'The Redis of the queue does not answer or refuses writes. The sweep ends holds in place of their jobs.';
      degraded.push({ name: 'queue', status: 'down', detail });
    } else if (queue !== null && queue.evictionPolicy !== null && queue.evictionPolicy !== 'noeviction') {
      const detail = `The Redis of the queue deletes keys when it is full (maxmemory-policy ${queue.evictionPolicy}), clean-up jobs among them. It must be noeviction.`;
      degraded.push({ name: 'queue', status: 'misconfigured', detail });
    }
    if (Math.abs(this.#clockOffsetSeconds) > clockToleranceSeconds) {
      const [sooner, side] = this.#clockOffsetSeconds > 0 ? ['early', 'ahead of'] : ['late', 'behind'];
      const seconds = Math.abs(this.#clockOffsetSeconds).toFixed(1);
      const detail = `The clock of Redis is ${seconds} s ${side} PostgreSQL’s: status keys end that much too ${sooner}.`;
      degraded.push({ name: 'clock', status: 'misconfigured', detail });
    }
    if (reads.isReplicaDown) {
      const detail = 'The replica does not answer, or lags. Lists and maps are read from the primary.';
      degraded.push({ name: 'replica', status: 'down', detail });
    }
    return degraded;
  }
}
