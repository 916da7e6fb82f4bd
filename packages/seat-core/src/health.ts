import { SeatCoreError } from './errors.ts';
import type { SeatCoreMetrics } from './metrics.ts';
import type { Lanes } from './postgres/lanes.ts';
import type { Reads } from './postgres/replica.ts';
import { pingStatement, readClockStatement } from './postgres/server.sql.ts';
import type { GuardedQueue } from './queue/expiry-queue.ts';
import { explainRedisError, isRedisRefusal } from './redis/explain-error.ts';
import type { RedisClient } from './redis/keys.ts';
import { describeRefusal } from './redis/rights.ts';
import type { DegradedDependency } from './types.ts';
import { CircuitOpenError, type CircuitBreaker } from './resilience/circuit-breaker.ts';
import { withDeadline } from './resilience/deadline.ts';

export interface HealthDependencies {
  readonly lanes: Lanes;
  readonly reads: Reads;
  readonly redis: CircuitBreaker<RedisClient>;
  readonly queue: GuardedQueue | null;
  /** Why Redis refuses the channels of live feeds; undefined while it does not. */
  readonly channelRefusal: () => Error | undefined;
  readonly metrics: SeatCoreMetrics;
}

/** Beyond this difference of the clocks, status keys end noticeably before or after their holds. */
const clockToleranceSeconds = 1;
const timeLimitMs = 250;

export class Health {
  readonly #dependencies: HealthDependencies;
  #clockOffsetSeconds = 0;
  #timeRefusal: string | undefined;

  constructor(dependencies: HealthDependencies) {
    this.#dependencies = dependencies;
  }

  /** @see SeatCore.ping */
  async ping(): Promise<void> {
    await this.#dependencies.lanes.sales.rows(pingStatement, []);
  }

  /** @see SeatCore.measureClockOffset */
  async measureClockOffset(): Promise<number> {
    const { lanes, redis, metrics } = this.#dependencies;
    const [[seconds, microseconds], [row]] = await Promise.all([
      readTime(redis)
        .then((time) => {
          this.#timeRefusal = undefined;
          return time;
        })
        .catch((cause: unknown) => {
          if (isRedisRefusal(cause)) this.#timeRefusal = describeRefusal(cause);
          throw new SeatCoreError('DEPENDENCY_UNAVAILABLE', 'Redis does not answer TIME', {}, { cause });
        }),
      lanes.sales.rows<{ now: number }>(readClockStatement, []),
    ]);
    const offset = Number(seconds) + Number(microseconds) / 1e6 - row!.now;
    metrics.redisClockOffset.set(offset);
    this.#clockOffsetSeconds = offset;
    return offset;
  }

  /** @see SeatCore.listDegradedDependencies */
  listDegraded(): DegradedDependency[] {
    const { lanes, redis, queue, reads } = this.#dependencies;
    const channelRefusal = this.#dependencies.channelRefusal();
    const degraded: DegradedDependency[] = [];
    if (lanes.commits.isClosed) {
      const detail =
        'A commit waits for a synchronous standby that does not answer. Seats are shown and cannot be booked until the standby is back.';
      degraded.push({ name: 'postgresql', status: 'down', detail });
    }
    if (redis.isOpen) {
      const { status, reason } = explainRedisError(redis.failure);
      const detail = `${reason} PostgreSQL decides alone: sales go on, slower.`;
      degraded.push({ name: 'redis', status, detail });
    } else if (channelRefusal !== undefined) {
      const detail = `${explainRedisError(channelRefusal).reason} Live viewers see changes up to 2 s late.`;
      degraded.push({ name: 'redis', status: 'misconfigured', detail });
    }
    const queueTrouble = queue?.trouble;
    if (queueTrouble !== undefined) {
      degraded.push({ name: 'queue', status: queueTrouble.status, detail: queueTrouble.reason });
    }
    if (this.#timeRefusal !== undefined) {
      const detail = `${this.#timeRefusal} The clocks of Redis and PostgreSQL cannot be compared.`;
      degraded.push({ name: 'clock', status: 'misconfigured', detail });
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

/** Not through the circuit: nothing else needs TIME, so its refusal is no outage. */
async function readTime(redis: CircuitBreaker<RedisClient>) {
  if (redis.isOpen) throw new CircuitOpenError('the circuit of redis is open');
  return withDeadline('redis', timeLimitMs, redis.client.connection.time());
}
