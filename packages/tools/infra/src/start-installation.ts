import { join } from 'node:path';
import getPort from 'get-port';
import {
  createPrivateStack,
  startService,
  type PrivateStack,
  type RunningService,
  type ServiceName,
} from '@ticketing/testkit';
import { makeHall } from './make-hall.ts';
import { serveDashboards, type DashboardPage } from './serve-dashboards.ts';
import { startGateway, type Gateway } from './start-gateway.ts';
import { startPrometheus, type Prometheus } from './start-prometheus.ts';

export interface Installation extends AsyncDisposable {
  /** PostgreSQL and Redis. */
  readonly stack: PrivateStack;
  readonly gateway: Gateway;
  readonly prometheus: Prometheus;
  readonly dashboards: DashboardPage;
  /** By their names in docker-compose.yml. */
  readonly services: ReadonlyMap<string, RunningService>;
  /** Of the event that there is. */
  readonly seatIds: readonly string[];
}

const places: readonly (readonly [string, ServiceName])[] = [
  ['booking-api-1', 'booking-api'],
  ['booking-api-2', 'booking-api'],
  ['payment-api', 'payment-api'],
  ['expiry-worker', 'expiry-worker'],
];

/**
 * What docker-compose.yml runs, as processes of this machine, on the ports that it publishes if they are free: one Redis
 * in place of two, and pictures in place of Grafana.
 *
 * @param env for the services, such as JWT_SECRET
 */
export async function startInstallation(
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Installation> {
  const parts: AsyncDisposable[] = [];
  const started = <T extends AsyncDisposable>(part: T): T => {
    parts.push(part);
    return part;
  };
  const dispose = async (): Promise<void> => {
    for (const part of parts.splice(0).toReversed()) await part[Symbol.asyncDispose]();
  };
  try {
    const stack = started(await createPrivateStack({ folder }));
    const { databaseUrl, redisUrl } = stack;
    const servers = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, TRUSTED_PROXIES: '127.0.0.1' };
    const services = new Map<string, RunningService>();
    for (const [place, name] of places) {
      const logFile = join(stack.folder, `${place}.log`);
      const settings = { ...servers, SHUTDOWN_DELAY_SECONDS: '1', ...env };
      services.set(place, started(await startService(name, settings, { folder: stack.folder, logFile })));
    }
    const portsOf = (wanted: ServiceName) =>
      [...services.values()].filter(({ name }) => name === wanted).map(({ port }) => port);
    const seatIds = await makeHall(stack, 200);
    const gateway = started(
      await startGateway({
        folder: join(stack.folder, 'gateway'),
        bookingPorts: portsOf('booking-api'),
        paymentPorts: portsOf('payment-api'),
        port: 8080,
      }),
    );
    const targets = Object.fromEntries(
      (['booking-api', 'payment-api', 'expiry-worker'] as const).map((name) => [
        name,
        portsOf(name).map((port) => `127.0.0.1:${port}`),
      ]),
    );
    const prometheus = started(
      await startPrometheus({ folder: join(stack.folder, 'prometheus'), targets, port: 9090 }),
    );
    const page = await getPort({ host: '127.0.0.1', port: 3000 });
    const dashboards = started(await serveDashboards(prometheus, page));
    return { stack, gateway, prometheus, dashboards, services, seatIds, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
