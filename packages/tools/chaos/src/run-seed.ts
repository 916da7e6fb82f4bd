import { setTimeout as delay } from 'node:timers/promises';
import { auditViolations, deadlineFactor, waitFor } from '@ticketing/testkit';
import { checkHistory } from './checkers/check-history.ts';
import { readTables } from './checkers/evidence.ts';
import { watchAudit } from './checkers/watch-audit.ts';
import { watchDeaths } from './checkers/watch-deaths.ts';
import { checkFreeSeatsSell, checkStatusKeys } from './checkers/check-redis.ts';
import { countTickets } from './checkers/count-tickets.ts';
import { now } from './clock.ts';
import type { Cluster } from './cluster/cluster.ts';
import { withDatabase } from './cluster/stores.ts';
import { planFaults } from './faults/fault-plan.ts';
import { runFaults } from './faults/run-faults.ts';
import { bookingOf, type Finding, type Operation } from './history.ts';
import { createRandom } from './random.ts';
import { openHall } from './workload/hall.ts';
import type { Profile } from './workload/profile.ts';
import { runClient } from './workload/run-client.ts';
import { runNeighbour } from './workload/run-neighbour.ts';

export interface SeedReport {
  readonly seed: number;
  readonly operations: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly faults: number;
  readonly findings: readonly Finding[];
}

export interface RunSeedOptions {
  /** Whether to end as soon as anything is found, instead of waiting for the rest. */
  readonly isHasty?: boolean;
}

/** A hold longer than this is not waited for: it ends after the run, and the checks know. */
const longestAwaitedHoldSeconds = 5;

/** One run: a hall, clients and faults from one seed, then quiet, then every check. */
export async function runSeed(
  cluster: Cluster,
  profile: Profile,
  seed: number,
  seconds: number,
  options: RunSeedOptions = {},
): Promise<SeedReport> {
  const random = createRandom(seed);
  await cluster.empty();
  const deaths = watchDeaths(cluster.members);
  const hall = await openHall(cluster.membersOf('booking-api')[0]!.url, profile.seats);
  const tickets = countTickets(cluster.membersOf('payment-api'));
  await tickets.begin();
  const audit = watchAudit(cluster.databaseUrl);
  const operations: Operation[] = [];
  const record = (operation: Operation) => void operations.push(operation);
  const closing = new AbortController();
  const stopping = closing.signal;
  const bookingIds = () => operations.flatMap((operation) => bookingOf(operation)?.id ?? []);
  const faults = runFaults(cluster, planFaults(random.fork('faults'), profile, seconds), bookingIds);
  const clients = Array.from({ length: profile.clients }, async (_, index) => {
    const name = `buyer-${index}`;
    await runClient({ cluster, profile, hall, random: random.fork(name), name, record, stopping });
  });
  const neighbours = Array.from({ length: profile.neighbours }, async (_, index) =>
    runNeighbour({
      redisUrl: cluster.redisUrl,
      hall,
      profile,
      random: random.fork(`neighbour-${index}`),
      amnesias: faults.amnesias,
      stopping,
    }),
  );
  await Promise.all([delay(seconds * 1_000), faults.healed]);
  closing.abort();
  await Promise.all(clients);
  const findings = (await Promise.all(neighbours)).flat();
  await Promise.all(cluster.members.map(untilReady));
  const healedAt = faults.injected() === 0 ? Number.NEGATIVE_INFINITY : now();

  const judge = async () => {
    const tables = await withDatabase(cluster.databaseUrl, readTables);
    const evidence = {
      ...tables,
      operations,
      healedAt,
      readAt: now(),
      holdMs: cluster.settings.holdSeconds * 1_000,
      maxHeldSeats: cluster.settings.maxHeldSeats,
      ticketsCounted: await tickets.read(),
    };
    findings.push(...(await auditViolations(cluster.databaseUrl)), ...checkHistory(evidence));
  };
  if (options.isHasty === true) await judge();
  if (options.isHasty !== true || findings.length === 0) {
    findings.push(...(await checkStatusKeys(cluster)));
    findings.push(...(await checkFreeSeatsSell(cluster, record)));
    if (cluster.settings.holdSeconds <= longestAwaitedHoldSeconds) await untilHoldsEnd(cluster);
    await judge();
  }
  findings.push(...(await audit.stop()));
  await tickets.stop();
  findings.push(...deaths());
  const count = (kind: string) => operations.filter(({ result }) => result.kind === kind).length;
  return {
    seed,
    operations: operations.length,
    acknowledged: count('done'),
    refused: count('refused'),
    unknown: count('unknown'),
    faults: faults.injected(),
    findings: distinct(findings),
  };
}

async function untilReady({ url, label }: { readonly url: string; readonly label: string }): Promise<void> {
  await waitFor(async () => (await fetch(`${url}/health/ready`)).ok, {
    description: `${label} to be well again`,
    timeoutMs: 10_000,
  });
}

/** Until no hold is left, or the last one should be over: what is late then is a finding. */
async function untilHoldsEnd({ databaseUrl, settings }: Cluster): Promise<void> {
  const limit = now() + settings.holdSeconds * 1_000 + 2_000 * deadlineFactor() + 500;
  await withDatabase(databaseUrl, async (client) => {
    for (;;) {
      const { rowCount } = await client.query(`select from bookings where status = 'PENDING' limit 1`);
      if (rowCount === 0 || now() > limit) return;
      await delay(50);
    }
  });
}

/** The audit sees the same row again and again; once is enough. */
function distinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [`${finding.check} ${finding.detail}`, finding])).values()];
}
