import type { Variant } from './variant.ts';

/** Mistakes with what Redis is told. */
export const cacheVariants: readonly Variant[] = [
  {
    name: 'naive-lock-release',
    mistake: 'a request deletes the locks of its seats, whoever has them by now',
    caughtBy: ['lock-of-another-stays'],
    edits: [
      {
        file: 'packages/seat-core/dist/redis/seat-lock.js',
        find: 'redis.eval(compareAndDelete, 1, seatLockKey(seatId), token)',
        replace: 'redis.del(seatLockKey(seatId))',
      },
    ],
    // A lock that Redis was slow to give or to refuse may be another's.
    profile: {
      neighbours: 6,
      hotSeats: 6,
      hotShare: 0.9,
      faults: ['freeze', 'freeze-redis', 'slow-redis'],
      faultEveryMs: [100, 400],
    },
    seconds: 4,
  },
  {
    name: 'cache-before-commit',
    mistake: 'a seat is marked RESERVED before the database has decided',
    caughtBy: ['status-keys-are-right', 'free-seats-sell'],
    edits: [
      {
        file: 'packages/seat-core/dist/hold/hold-seats.js',
        find: 'const lease = await tryAcquireSeats(',
        replace: `await Promise.allSettled(seatIds.map((id) =>
          context.redis.client.set('status:seat:' + id, 'RESERVED', 'PX', context.settings.holdSeconds * 1_000)));
          const lease = await tryAcquireSeats(`,
      },
    ],
    settings: { holdSeconds: 60 },
    profile: { seats: 300, faults: ['flush-redis'], faultEveryMs: [100, 400] },
    seconds: 3,
  },
  {
    name: 'effects-of-a-rollback',
    mistake: 'Redis is told of a hold that was refused',
    caughtBy: ['status-keys-are-right', 'free-seats-sell'],
    edits: [
      {
        file: 'packages/seat-core/dist/hold/commit-holds.js',
        find: 'recordReclaims(context, rows);\n    void',
        replace: `recordReclaims(context, rows);
          for (const id of requests.filter((_, n) => outcomes[n].kind === 'refused').flatMap((r) => r.seatIds))
            context.redis.client.set('status:seat:' + id, 'RESERVED', 'PX', context.settings.holdSeconds * 1_000)
              .catch(() => undefined);
          void`,
      },
    ],
    settings: { holdSeconds: 60 },
    profile: { seats: 300, faults: ['flush-redis'], faultEveryMs: [100, 400] },
    seconds: 3,
  },
];
