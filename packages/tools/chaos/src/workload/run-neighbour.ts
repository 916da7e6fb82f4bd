import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Finding } from '../history.ts';
import type { Random } from '../random.ts';
import type { Profile } from './profile.ts';
import type { Venue } from './venue.ts';

export interface NeighbourOptions {
  /** Straight to the server. */
  readonly redisUrl: string;
  readonly venue: Venue;
  readonly profile: Profile;
  readonly random: Random;
  /** A lock that goes in a flush of Redis was not taken from us. */
  readonly flushes: () => number;
  readonly stopping: AbortSignal;
}

const lockMs = 3_000;

/** Another program that books seats by the same rules: it takes their locks, and only it may delete those. */
export async function runNeighbour(options: NeighbourOptions): Promise<Finding[]> {
  const { redisUrl, venue, profile, random, flushes, stopping } = options;
  const findings: Finding[] = [];
  const redis = new Redis(redisUrl, {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => 100,
  });
  redis.on('error', () => undefined);
  while (!stopping.aborted) {
    const [seatId = ''] = venue.choose(random, { ...profile, seatsPerHold: 1 });
    const key = `lock:seat:${seatId}`;
    const token = `neighbour:${randomUUID()}`;
    const before = flushes();
    try {
      const startedAt = performance.now();
      const isOurs = (await redis.set(key, token, 'PX', lockMs, 'NX')) === 'OK';
      await delay(random.between(50, 600));
      if (!isOurs) continue;
      const value = await redis.get(key);
      // This process may have stood still, so only a young lock must still be there.
      const mustBeThere = performance.now() - startedAt < lockMs / 2 && flushes() === before;
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
