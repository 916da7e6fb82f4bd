import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import { withRedis } from '../cluster/stores.ts';
import type { BookingAnswer } from '../history.ts';
import type { Fault } from './fault-plan.ts';
import { repeatJobs } from './repeat-jobs.ts';

export interface FaultRun {
  /** Settles when the last fault is over. */
  readonly healed: Promise<void>;
  readonly injected: () => number;
  /** Grows before and after each fault that empties Redis. */
  readonly flushes: () => number;
}

interface Injection {
  /** Faults of one target wait for each other: a process that is frozen cannot be started again. */
  readonly target: string;
  readonly begin: () => unknown;
  readonly end?: () => unknown;
  readonly isFlush?: true;
}

/** Carries out a plan. Faults of different targets overlap. */
export function runFaults(
  cluster: Cluster,
  plan: readonly Fault[],
  bookings: () => BookingAnswer[],
): FaultRun {
  const startedAt = performance.now();
  const lastOf = new Map<string, Promise<void>>();
  let injected = 0;
  let flushes = 0;
  const run = async (fault: Fault): Promise<void> => {
    await delay(Math.max(0, fault.atMs - (performance.now() - startedAt)));
    const { target, begin, end, isFlush } = injectionOf(cluster, fault, bookings);
    const mine = (lastOf.get(target) ?? Promise.resolve()).then(async () => {
      injected += 1;
      if (isFlush) flushes += 1;
      await begin();
      if (end !== undefined) {
        await delay(fault.forMs);
        await end();
      }
      if (isFlush) flushes += 1;
    });
    lastOf.set(target, mine);
    await mine;
  };
  return {
    healed: Promise.all(plan.map(run)).then(() => undefined),
    injected: () => injected,
    flushes: () => flushes,
  };
}

const linkModes = { slow: 'slow', silence: 'silent', deafen: 'deaf' } as const;

function injectionOf(cluster: Cluster, { kind, choice }: Fault, bookings: () => BookingAnswer[]): Injection {
  const { postgres, redis, links, members, redisUrl } = cluster;
  const member = members[choice % members.length]!;
  switch (kind) {
    case 'kill':
      return { target: member.label, begin: member.kill, end: member.revive };
    case 'freeze':
      return { target: member.label, begin: member.freeze, end: member.thaw };
    case 'flush-redis':
      return {
        target: 'redis',
        begin: () => withRedis(redisUrl, (client) => client.flushall()),
        isFlush: true,
      };
    case 'restart-redis':
      return { target: 'redis', begin: redis.kill, end: redis.start, isFlush: true };
    case 'freeze-redis':
      return { target: 'redis', begin: redis.freeze, end: redis.thaw };
    case 'repeat-jobs':
      return { target: 'redis', begin: () => repeatJobs(redisUrl, bookings(), choice) };
    case 'restart-postgres':
      return { target: 'postgres', begin: postgres.kill, end: postgres.start };
    case 'freeze-postgres':
      return { target: 'postgres', begin: postgres.freeze, end: postgres.thaw };
    case 'cut-redis':
      return { target: 'link to redis', begin: links.redis.cut };
    case 'cut-postgres':
      return { target: 'link to postgres', begin: links.postgres.cut };
    case 'slow-redis':
    case 'slow-postgres':
    case 'silence-redis':
    case 'silence-postgres':
    case 'deafen-postgres': {
      const [mode, name] = kind.split('-') as [keyof typeof linkModes, keyof typeof links];
      return {
        target: `link to ${name}`,
        begin: () => links[name].setMode({ kind: linkModes[mode], delayMs: 5 + (choice % 300) }),
        end: () => links[name].setMode({ kind: 'pass' }),
      };
    }
  }
}
