import { setTimeout as delay } from 'node:timers/promises';
import { deadlineFactor, waitFor } from '@ticketing/testkit';
import { auditFindings, watchAudit } from './checkers/audit.ts';
import { checkHistory } from './checkers/check-history.ts';
import { checkFreeSeatsSell, checkStatusKeys } from './checkers/check-recovery.ts';
import { readTables } from './checkers/evidence.ts';
import { watchDeaths } from './checkers/watch-deaths.ts';
import type { Cluster } from './cluster/cluster.ts';
import { withDatabase } from './cluster/stores.ts';
import { planFaults } from './faults/fault-plan.ts';
import { runFaults } from './faults/run-faults.ts';
import { bookingOf, now, type Finding, type Operation } from './history.ts';
import { createRandom } from './random.ts';
import type { Profile } from './workload/profile.ts';
import { runClient } from './workload/run-client.ts';
import { runNeighbour } from './workload/run-neighbour.ts';
import { openVenue } from './workload/venue.ts';

export interface SeedReport {
  readonly seed: number;
  readonly operations: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly faults: number;
  readonly findings: readonly Finding[];
}

/** Longer holds are not awaited: they end after the run, and the checks allow for that. */
const longestAwaitedHoldSeconds = 5;

/**
 * Runs clients and faults from one seed on an empty event, waits until the engine is healthy again, then runs every check.
 *
 * @param options.isHasty ends the run at the first finding instead of waiting for the rest
 */
export async function runSeed(
  cluster: Cluster,
  profile: Profile,
  seed: number,
  seconds: number,
  options: { readonly isHasty?: boolean } = {},
): Promise<SeedReport> {
  const { databaseUrl, redisUrl, members, settings } = cluster;
  const random = createRandom(seed);
  await cluster.empty();
  const deaths = watchDeaths(members);
  const venue = await openVenue(cluster.membersOf('booking-api')[0]!.url, profile.seats);
  const audit = watchAudit(databaseUrl);
  const operations: Operation[] = [];
  const record = (operation: Operation) => void operations.push(operation);
  const closing = new AbortController();
  const stopping = closing.signal;
  const bookings = () => operations.flatMap((operation) => bookingOf(operation) ?? []);
  const faults = runFaults(cluster, planFaults(random.fork('faults'), profile, seconds), bookings);
  const clients = Array.from({ length: profile.clients }, async (_, index) => {
    const name = `buyer-${index}`;
    await runClient({ cluster, profile, venue, random: random.fork(name), name, record, stopping });
  });
  const neighbours = Array.from({ length: profile.neighbours }, async (_, index) => {
    const chances = random.fork(`neighbour-${index}`);
    return runNeighbour({ redisUrl, venue, profile, random: chances, flushes: faults.flushes, stopping });
  });
  await Promise.all([delay(seconds * 1_000), faults.healed]);
  closing.abort();
  await Promise.all(clients);
  const findings = (await Promise.all(neighbours)).flat();
  await Promise.all(members.map(untilReady));
  const healedAt = faults.injected() === 0 ? Number.NEGATIVE_INFINITY : now();

  const judge = async () => {
    const evidence = {
      ...(await withDatabase(databaseUrl, readTables)),
      operations,
      healedAt,
      readAt: now(),
      holdMs: settings.holdSeconds * 1_000,
      maxHeldSeats: settings.maxHeldSeats,
    };
    findings.push(...(await auditFindings(databaseUrl)), ...checkHistory(evidence));
  };
  if (options.isHasty === true) await judge();
  if (options.isHasty !== true || findings.length === 0) {
    findings.push(...(await checkStatusKeys(cluster)), ...(await checkFreeSeatsSell(cluster, record)));
    if (settings.holdSeconds <= longestAwaitedHoldSeconds) await untilHoldsEnd(cluster);
    await judge();
  }
  findings.push(...(await audit.stop()), ...deaths());
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
    description: `${label} to be ready again`,
    timeoutMs: 10_000,
  });
}

/** Until no hold is left or the last one should have ended: a later end is a finding. */
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

/** The audit sees the same row again and again. */
function distinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [`${finding.check} ${finding.detail}`, finding])).values()];
}
