import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Finding } from '../history.ts';
import type { Random } from '../random.ts';
import type { Hall } from './hall.ts';
import type { Profile } from './profile.ts';

export interface NeighbourOptions {
  /** Straight to the server. */
  readonly redisUrl: string;
  readonly hall: Hall;
  readonly profile: Profile;
  readonly random: Random;
  /** Counts what makes Redis forget: a lock that goes with everything else was not taken from us. */
  readonly amnesias: () => number;
  readonly stopping: AbortSignal;
}

const lockMs = 3_000;

/** Another program that books seats by the same rules: it takes their locks, and nobody else may give those back. */
export async function runNeighbour(options: NeighbourOptions): Promise<Finding[]> {
  const { redisUrl, hall, profile, random, amnesias, stopping } = options;
  const findings: Finding[] = [];
  const redis = new Redis(redisUrl, {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => 100,
  });
  redis.on('error', () => undefined);
  while (!stopping.aborted) {
    const [seatId = ''] = hall.choose(random, { ...profile, seatsPerHold: 1 });
    const key = `lock:seat:${seatId}`;
    const token = `neighbour:${randomUUID()}`;
    const before = amnesias();
    try {
      const startedAt = performance.now();
      const isOurs = (await redis.set(key, token, 'PX', lockMs, 'NX')) === 'OK';
      await delay(random.between(50, 600));
      if (!isOurs) continue;
      const value = await redis.get(key);
      // Our own clock may have stood still: only while the lock must still be there does it say anything.
      const mustBeThere = performance.now() - startedAt < lockMs / 2 && amnesias() === before;
      if (mustBeThere && value !== token) {
        findings.push({ check: 'lock-of-another-stays', detail: `${key} of ${token} became ${value}` });
      } else if (value === token) await redis.del(key);
    } catch {
      // Redis is under a fault of its own.
      await delay(50);
    }
  }
  redis.disconnect();
  return findings;
}
