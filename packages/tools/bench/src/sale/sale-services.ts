import { join } from 'node:path';
import {
  createPrivateStack,
  servicePorts,
  startService,
  type PrivateStack,
  type RunningService,
  type ServiceName,
} from '@ticketing/testkit';
import { cpuMicros, cpuMicrosOfFamily } from '../rig/process-usage.ts';

/** CPU seconds so far, by who spent them. */
export type CpuSeconds = Readonly<Record<ServiceName | 'PostgreSQL' | 'Redis' | 'buyers', number>>;

/** A process of a service at one address, through both of its lives. */
export interface SaleService {
  readonly name: ServiceName;
  readonly url: string;
  /** SIGKILL. */
  readonly kill: () => Promise<void>;
  /** Starts it again at its address. */
  readonly revive: () => Promise<void>;
  /** How each life ended that was not killed on purpose. */
  readonly deaths: readonly string[];
  readonly cpuSeconds: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

export interface SaleServices extends AsyncDisposable {
  readonly stack: PrivateStack;
  readonly all: readonly SaleService[];
  readonly urlsOf: (name: ServiceName) => readonly string[];
  readonly cpuSeconds: () => Promise<CpuSeconds>;
}

/** Two processes of booking-api, so that one can be lost. */
const names: readonly ServiceName[] = ['booking-api', 'booking-api', 'payment-api', 'expiry-worker'];

/**
 * The services with limits and log as in production, on a PostgreSQL and a Redis of their own.
 *
 * @param folder for data and logs; default the folder of the test run
 */
export async function startSaleServices(holdSeconds: number, folder?: string): Promise<SaleServices> {
  const options = folder === undefined ? {} : { folder };
  const stack = await createPrivateStack(options);
  const env = {
    DATABASE_URL: stack.serviceUrl,
    REDIS_URL: stack.redisUrl,
    HOLD_SECONDS: String(holdSeconds),
    // The client of the sale stands where the gateway stands.
    TRUSTED_PROXIES: '127.0.0.1/32',
    LOG_LEVEL: 'info',
  };
  const all: SaleService[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(all.map(({ stop }) => stop()));
    await stack.dispose();
  };
  try {
    for (const [index, name] of names.entries()) {
      const logFile = join(stack.folder, `${name}-${index}.log`);
      const launch = (more = {}) => startService(name, { ...env, ...more }, { ...options, logFile });
      all.push(await startSaleService(name, launch));
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  const cpuOf = async (name: ServiceName) => {
    const seconds = await Promise.all(
      all.filter((service) => service.name === name).map((service) => service.cpuSeconds()),
    );
    return seconds.reduce((sum, each) => sum + each, 0);
  };
  return {
    stack,
    all,
    urlsOf: (name) => all.filter((service) => service.name === name).map(({ url }) => url),
    cpuSeconds: async () => {
      const { user, system } = process.cpuUsage();
      return {
        'booking-api': await cpuOf('booking-api'),
        'payment-api': await cpuOf('payment-api'),
        'expiry-worker': await cpuOf('expiry-worker'),
        PostgreSQL: (await cpuMicrosOfFamily(stack.postgres.pid())) / 1_000_000,
        Redis: (await cpuMicros([stack.redis.pid()])) / 1_000_000,
        buyers: (user + system) / 1_000_000,
      };
    },
    [Symbol.asyncDispose]: dispose,
  };
}

async function startSaleService(
  name: ServiceName,
  launch: (env?: Readonly<Record<string, string>>) => Promise<RunningService>,
): Promise<SaleService> {
  const deaths: string[] = [];
  let spentByEarlierLives = 0;
  let wasKilled = false;
  const watch = (started: RunningService): RunningService => {
    void started.exited.then(({ code, signal }) => {
      if (!wasKilled) deaths.push(`${name} ended with ${signal ?? code}`);
    });
    return started;
  };
  let life = watch(await launch());
  const { url, port } = life;
  const cpuOfThisLife = async () => (await cpuMicros([life.pid])) / 1_000_000;
  return {
    name,
    url,
    deaths,
    kill: async () => {
      spentByEarlierLives += await cpuOfThisLife();
      wasKilled = true;
      await life.kill();
    },
    revive: async () => {
      life = watch(await launch({ [servicePorts[name].variable]: String(port) }));
      wasKilled = false;
    },
    cpuSeconds: async () => spentByEarlierLives + (await cpuOfThisLife()),
    stop: async () => {
      wasKilled = true;
      await life[Symbol.asyncDispose]();
    },
  };
}
