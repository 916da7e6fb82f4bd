import { monitorEventLoopDelay } from 'node:perf_hooks';
import { rebuildFromHistory } from '@ticketing/seat-core/admin';
import { auditViolations, deadlineFactor } from '@ticketing/testkit';
import { percentile } from '../report/statistics.ts';
import { createEvent } from '../rig/event.ts';
import { vacuumTables } from '../rig/stores.ts';
import { Buyer, type Sale } from './buyer.ts';
import { checkSale, readSaleTables, type SaleEvidence, type SaleFinding } from './check-sale.ts';
import { SaleClient } from './sale-client.ts';
import { SaleEnd } from './sale-end.ts';
import { SaleFaults, type SaleFault } from './sale-faults.ts';
import { SaleLog, type SaleCount, type SaleSecond } from './sale-log.ts';
import type { CpuSeconds, SaleServices } from './sale-services.ts';
import type { SaleSize } from './sale-size.ts';
import { SeatMapCopies } from './seat-map-copies.ts';

/** What a sale was like. */
export interface SaleReport {
  readonly size: SaleSize;
  /** From the first buyer to the last paid seat. */
  readonly soldOutSeconds: number;
  readonly clickToSeat: { readonly p50Ms: number; readonly p99Ms: number };
  /** Of all holds that were answered with a seat or a refusal. */
  readonly refusedShare: number;
  readonly doubleSales: number;
  readonly lostAcknowledgements: number;
  readonly findings: readonly SaleFinding[];
  readonly totals: Readonly<Record<SaleCount, number>>;
  /** How often each answer came. */
  readonly answers: Readonly<Record<string, number>>;
  readonly cpuSeconds: CpuSeconds;
  /** How late the buyers' own event loop was: what they measured includes it. */
  readonly buyersLateP99Ms: number;
  readonly faults: readonly SaleFault[];
  readonly seconds: readonly SaleSecond[];
}

export interface SaleResult {
  readonly report: SaleReport;
  readonly evidence: SaleEvidence;
}

const counts = [
  'arrived',
  'looked',
  'mapsRead',
  'held',
  'refused',
  'confirmed',
  'released',
  'lapsed',
  'leftWithoutSeat',
  'sentAgain',
] as const satisfies readonly SaleCount[];

/** Sells a whole event, with faults in the middle, and judges the sale. The services are empty before. */
export async function runSale(
  services: SaleServices,
  size: SaleSize,
  print: (line: string) => void = () => undefined,
): Promise<SaleResult> {
  const { databaseUrl } = services.stack;
  const bookingUrls = services.urlsOf('booking-api');
  const { eventId } = await createEvent(bookingUrls[0]!, databaseUrl, size.seats);
  await vacuumTables(databaseUrl);
  const cpuBefore = await services.cpuSeconds();
  const lateness = monitorEventLoopDelay({ resolution: 10 });
  lateness.enable();
  const log = new SaleLog();
  const end = new SaleEnd();
  const client = new SaleClient(log, end);
  const faults = new SaleFaults(services, size.seats, () => log.seconds);
  let soldOutSeconds = Number.NaN;
  const sale: Sale = {
    size,
    bookingUrls,
    paymentUrls: services.urlsOf('payment-api'),
    client,
    maps: new SeatMapCopies(client, log, eventId),
    log,
    end,
    onSold: () => {
      const sold = log.confirmations.length;
      faults.soldSoFar(sold);
      if (sold === size.seats) soldOutSeconds = log.seconds;
      if (sold >= size.seats) end.come();
    },
  };
  const limit = setTimeout(() => end.come(), size.limitMs * deadlineFactor());
  const telling = tellEachSecond(log, size, end, print);
  await Promise.all(Array.from({ length: size.buyers }, (_, number) => new Buyer(sale, number).buy()));
  clearTimeout(limit);
  lateness.disable();
  await telling;
  await faults.healed();
  await client.close();
  const cpuAfter = await services.cpuSeconds();

  const { holds, confirmations, releases, unresolvedUsers } = log;
  const told = { holds, confirmations, releases, unresolvedUsers };
  const evidence: SaleEvidence = { ...(await readSaleTables(databaseUrl)), ...told };
  const judgement = checkSale(evidence);
  const findings = [
    ...judgement.findings,
    ...(await auditFindings(databaseUrl)),
    ...log.failures.map((detail) => ({ check: 'unexpected answer', detail })),
    ...services.all.flatMap(({ deaths }) => deaths.map((detail) => ({ check: 'dead process', detail }))),
  ];
  const latencies = log.seatMs.toSorted((a, b) => a - b);
  const totals = Object.fromEntries(counts.map((what) => [what, log.total(what)]));
  const report: SaleReport = {
    size,
    soldOutSeconds,
    clickToSeat: { p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) },
    refusedShare: log.total('refused') / (log.total('held') + log.total('refused')),
    ...judgement,
    findings,
    totals: totals as SaleReport['totals'],
    answers: Object.fromEntries([...log.answers].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    cpuSeconds: difference(cpuAfter, cpuBefore),
    buyersLateP99Ms: lateness.percentile(99) / 1e6,
    faults: faults.faults,
    seconds: log.bySecond(),
  };
  return { report, evidence };
}

/** The production audit, and the comparison of the tables with those that the history alone rebuilds. */
async function auditFindings(databaseUrl: string): Promise<SaleFinding[]> {
  const { results } = await rebuildFromHistory({ databaseUrl, timeLimitSeconds: 60 });
  const differences = results.flatMap(({ check, samples }) => samples.map((detail) => ({ check, detail })));
  return [...(await auditViolations(databaseUrl)), ...differences];
}

async function tellEachSecond(
  log: SaleLog,
  { seats }: SaleSize,
  end: SaleEnd,
  print: (line: string) => void,
): Promise<void> {
  let before = { held: 0, refused: 0 };
  while (!end.hasCome) {
    await end.pause(1_000);
    const now = { held: log.holds.length, refused: log.total('refused') };
    const sold = `${log.confirmations.length} of ${seats} sold`;
    const rates = `${now.held - before.held} holds, ${now.refused - before.refused} refusals`;
    print(`[${Math.round(log.seconds)} s] ${sold}; ${rates} in this second`);
    before = now;
  }
}

function difference(after: CpuSeconds, before: CpuSeconds): CpuSeconds {
  const entries = Object.entries(after).map(([name, seconds]) => {
    return [name, seconds - before[name as keyof CpuSeconds]];
  });
  return Object.fromEntries(entries) as CpuSeconds;
}
