import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import { withRedis } from '../cluster/stores.ts';
import type { Fault } from './fault-plan.ts';
import { repeatJobs } from './repeat-jobs.ts';

export interface FaultRun {
  /** Each fault with its own end; when this settles, everything is as it was. */
  readonly healed: Promise<void>;
  readonly injected: () => number;
  /** How often Redis has forgotten, or was about to. */
  readonly amnesias: () => number;
}

/** Carries a plan out. Faults overlap, except those of one target: they wait for each other. */
export function runFaults(cluster: Cluster, plan: readonly Fault[], bookingIds: () => string[]): FaultRun {
  const startedAt = performance.now();
  const lastOf = new Map<string, Promise<void>>();
  let injected = 0;
  let amnesias = 0;
  const run = async (fault: Fault): Promise<void> => {
    await delay(Math.max(0, fault.atMs - (performance.now() - startedAt)));
    const target = targetOf(cluster, fault);
    const mine = (lastOf.get(target) ?? Promise.resolve()).then(async () => {
      injected += 1;
      if (forgets.has(fault.kind)) amnesias += 1;
      await inject(cluster, fault, bookingIds);
      if (forgets.has(fault.kind)) amnesias += 1;
    });
    lastOf.set(target, mine);
    await mine;
  };
  return {
    healed: Promise.all(plan.map(run)).then(() => undefined),
    injected: () => injected,
    amnesias: () => amnesias,
  };
}

const forgets: ReadonlySet<string> = new Set(['flush-redis', 'restart-redis']);

function memberOf(cluster: Cluster, { choice }: Fault) {
  return cluster.members[choice % cluster.members.length]!;
}

/** Faults of one target exclude each other: a process that is frozen cannot be revived. */
function targetOf(cluster: Cluster, fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
    case 'freeze':
      return memberOf(cluster, fault).label;
    case 'flush-redis':
    case 'restart-redis':
    case 'freeze-redis':
    case 'repeat-jobs':
      return 'redis';
    case 'restart-postgres':
    case 'freeze-postgres':
      return 'postgres';
    case 'slow-redis':
    case 'cut-redis':
    case 'silence-redis':
      return 'link to redis';
    case 'slow-postgres':
    case 'cut-postgres':
    case 'silence-postgres':
    case 'deafen-postgres':
      return 'link to postgres';
  }
}

async function inject(cluster: Cluster, fault: Fault, bookingIds: () => string[]): Promise<void> {
  const { postgres, redis, links } = cluster;
  const during = async (begin: () => unknown, end: () => unknown): Promise<void> => {
    await begin();
    await delay(fault.forMs);
    await end();
  };
  switch (fault.kind) {
    case 'kill': {
      const member = memberOf(cluster, fault);
      return during(member.kill, member.revive);
    }
    case 'freeze': {
      const member = memberOf(cluster, fault);
      return during(member.freeze, member.thaw);
    }
    case 'flush-redis':
      return withRedis(cluster.redisUrl, async (client) => void (await client.flushall()));
    case 'restart-redis':
      return during(redis.kill, redis.start);
    case 'freeze-redis':
      return during(redis.freeze, redis.thaw);
    case 'restart-postgres':
      return during(postgres.kill, postgres.start);
    case 'freeze-postgres':
      return during(postgres.freeze, postgres.thaw);
    case 'slow-redis':
    case 'slow-postgres':
    case 'silence-redis':
    case 'silence-postgres':
    case 'deafen-postgres': {
      const [kind, name] = fault.kind.split('-') as [keyof typeof modes, keyof typeof links];
      const delayMs = 5 + (fault.choice % 300);
      return during(
        () => links[name].setMode({ kind: modes[kind], delayMs }),
        () => links[name].setMode({ kind: 'pass' }),
      );
    }
    case 'cut-redis':
      return void links.redis.cut();
    case 'cut-postgres':
      return void links.postgres.cut();
    case 'repeat-jobs':
      return repeatJobs(cluster.redisUrl, bookingIds(), fault.choice);
  }
}

const modes = { slow: 'slow', silence: 'silent', deafen: 'deaf' } as const;
