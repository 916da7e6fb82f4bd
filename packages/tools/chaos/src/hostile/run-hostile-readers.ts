import { setTimeout as delay } from 'node:timers/promises';
import { auditInvariants } from '@ticketing/seat-core/admin';
import {
  createPrivateStack,
  deadlineFactor,
  startService,
  waitFor,
  type PrivateStack,
  type RunningService,
  type ServiceName,
} from '@ticketing/testkit';
import type { Finding } from '../history.ts';
import { startAttackers, type Outcomes } from './attackers.ts';
import type { AttackName } from './attacks.ts';
import { startBuyers } from './buyers.ts';
import { exchange } from './exchange.ts';
import { makeHall, type Hall, type HallSize } from './hall.ts';
import { checkMemory, checkOperations, summarize, type BuyersSummary } from './judge.ts';
import { countDescriptors, readVitals, residentMegabytes, type Vitals } from './vitals.ts';

export interface HostileReadersOptions extends HallSize {
  readonly seconds: number;
  /** Buyers who arrive in a second. */
  readonly buyersPerSecond: number;
  /** Default all. */
  readonly attacks?: readonly AttackName[];
  /** For data and logs; default the folder of the test run. */
  readonly folder?: string;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress extends Vitals, BuyersSummary {
  readonly seconds: number;
}

/** The buyers of the report are those under attack. */
export interface HostileReadersReport extends BuyersSummary {
  /** The same buyers in the seconds before the attack: how much slower it makes them. */
  readonly calm: BuyersSummary;
  /** The most that booking-api ever held. */
  readonly peakMb: number;
  readonly outcomes: Outcomes;
  readonly findings: readonly Finding[];
}

const progressEveryMs = 2_000;
const calmMs = 10_000;
/** Connections that buyers and probes keep open for their next request, and those of Redis that a feed opens. */
const laterDescriptors = 32;

/** Buyers buy while hostile readers and an organizer attack one booking-api; then every promise to the buyers is checked. */
export async function runHostileReaders(options: HostileReadersOptions): Promise<HostileReadersReport> {
  const { folder, onProgress = () => undefined } = options;
  await using stack = await createPrivateStack(folder === undefined ? {} : { folder });
  await using services = await startServices(stack, folder);
  const { bookingApi, paymentApi } = services;
  const hall = await makeHall(stack.databaseUrl, bookingApi.url, options);
  const findings: Finding[] = [];
  const find = (check: string, detail: string): void => {
    if (!findings.some((known) => known.check === check && known.detail === detail))
      findings.push({ check, detail });
  };

  // An idle service: it holds what it needs, and nothing of the attack.
  const before = await countDescriptors(bookingApi.pid);
  const buyers = startBuyers({
    bookingApi: { label: 'booking-api', url: bookingApi.url },
    paymentApi: { label: 'payment-api', url: paymentApi.url },
    seatIds: hall.onSale.seatIds,
    perSecond: options.buyersPerSecond,
  });
  await delay(calmMs);
  const calm = [...buyers.operations];
  const attacked = () => buyers.operations.slice(calm.length);
  const { url } = bookingApi;
  const target = { url, eventIds: hall.eventIds, seats: options.seats };
  await using attackers = startAttackers(target, options.attacks);
  const seen: Vitals[] = [];
  const startedAt = performance.now();
  for (;;) {
    const seconds = (performance.now() - startedAt) / 1_000;
    if (seconds >= options.seconds) break;
    const vitals = await readVitals(bookingApi);
    seen.push(vitals);
    onProgress({ seconds, ...vitals, ...summarize(attacked()) });
    await checkReadiness(services.all, find);
    await delay(progressEveryMs);
  }
  await buyers.stop();
  await attackers.stop();
  const outcomes = attackers.outcomes();
  for (const [name, counts] of Object.entries(outcomes)) {
    if (Object.keys(counts).length === 0) find('every-attack-ran', `${name} had no outcome`);
  }

  findings.push(...checkOperations(buyers.operations), ...checkMemory(seen, options.seconds));
  const peakMb = await residentMegabytes(bookingApi.pid, 'VmHWM');
  await checkEnd({ hall, services: services.all, url, before, find });
  const { results } = await auditInvariants({ databaseUrl: stack.databaseUrl, timeLimitSeconds: 300 });
  for (const { check, samples } of results) for (const detail of samples) find(check, detail);
  return { ...summarize(attacked()), calm: summarize(calm), peakMb, outcomes, findings };
}

async function startServices(stack: PrivateStack, folder: string | undefined) {
  const env = {
    DATABASE_URL: stack.serviceUrl,
    REDIS_URL: stack.redisUrl,
    // No limit helps the service: the callers have as many addresses as they like.
    RATE_LIMIT_MAX: '0',
    LIVE_SOCKETS_PER_ADDRESS: '0',
    LOG_LEVEL: 'warn',
  };
  const start = (name: ServiceName) => startService(name, env, folder === undefined ? {} : { folder });
  const all: RunningService[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(all.map((service) => service[Symbol.asyncDispose]()));
  };
  try {
    for (const name of ['booking-api', 'payment-api', 'expiry-worker'] as const) all.push(await start(name));
  } catch (error) {
    await dispose();
    throw error;
  }
  const [bookingApi, paymentApi] = all as [RunningService, RunningService];
  return { bookingApi, paymentApi, all, [Symbol.asyncDispose]: dispose };
}

type Find = (check: string, detail: string) => void;

/** Redis may be given up for a moment by a busy process; PostgreSQL may not. */
async function checkReadiness(services: readonly RunningService[], find: Find): Promise<void> {
  for (const { name, url } of services) {
    const timeoutMs = 2_000 * deadlineFactor();
    const status = await exchange({ url: `${url}/health/ready`, timeoutMs });
    if (status !== '200') find('stays-ready', `${name}: ${status}`);
  }
}

interface EndOfRun {
  readonly hall: Hall;
  readonly services: readonly RunningService[];
  readonly url: string;
  /** Descriptors before the attack. */
  readonly before: number;
  readonly find: Find;
}

/** What the attack left behind. */
async function checkEnd({ hall, services, url, before, find }: EndOfRun): Promise<void> {
  const { pid } = services[0]!;
  const limit = before + laterDescriptors;
  const description = `descriptors to go back to ${before}`;
  await waitFor(async () => (await countDescriptors(pid)) <= limit, { description, timeoutMs: 15_000 }).catch(
    async () => find('descriptors-return', `${before} before, ${await countDescriptors(pid)} after`),
  );
  const { eventId } = hall.onSale;
  for (const path of ['', `/${eventId}`, `/${eventId}/seats`]) {
    const served = async () => (await exchange({ url: `${url}/api/v1/events${path}` })) === '200';
    await waitFor(served, { description: `an answer to /events${path}`, timeoutMs: 10_000 }).catch(
      (error: unknown) => find('readers-are-served', String(error)),
    );
  }
  for (const { name, logRecords } of services) {
    for (const { msg, dependency, time, err } of logRecords()) {
      const isOpened =
        String(msg).startsWith('circuit opened') && String(dependency).startsWith('postgresql');
      const { message } = (err ?? {}) as { readonly message?: string };
      if (isOpened) find('no-circuit-opens', `${name}: ${String(dependency)} at ${String(time)}: ${message}`);
    }
  }
  for (const { name, exited } of services) {
    const end = await Promise.race([exited, delay(0)]);
    if (end !== undefined) find('no-process-dies', `${name}: ${end.signal ?? end.code}`);
  }
}
