import { join } from 'node:path';
import {
  createPrivateStack,
  serviceNames,
  startService,
  type PrivateStack,
  type RunningService,
  type ServiceName,
} from '@ticketing/testkit';
import { makeEvent } from '../make-event.ts';
import { startGateway, type Gateway } from './start-gateway.ts';
import { startPrometheus, type Prometheus } from './start-prometheus.ts';

export interface Installation extends AsyncDisposable {
  /** PostgreSQL and Redis. */
  readonly stack: PrivateStack;
  readonly gateway: Gateway;
  readonly prometheus: Prometheus;
  /** By their names in docker-compose.yml. */
  readonly services: ReadonlyMap<string, RunningService>;
  /** The seats of its one event. */
  readonly seatIds: readonly string[];
}

const places: readonly (readonly [string, ServiceName])[] = [
  ['booking-api-1', 'booking-api'],
  ['booking-api-2', 'booking-api'],
  ['payment-api', 'payment-api'],
  ['expiry-worker', 'expiry-worker'],
];

/**
 * Starts what docker-compose.yml runs, but for Grafana, as processes of this machine, on the ports that it publishes if
 * they are free, and with one Redis in place of two.
 *
 * @param env for the services, such as JWT_SECRET
 */
export async function startInstallation(
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Installation> {
  const running: AsyncDisposable[] = [];
  const track = <T extends AsyncDisposable>(server: T): T => {
    running.push(server);
    return server;
  };
  const dispose = async (): Promise<void> => {
    for (const server of running.splice(0).toReversed()) await server[Symbol.asyncDispose]();
  };
  try {
    const stack = track(await createPrivateStack({ folder }));
    const { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL } = stack;
    const settings = {
      DATABASE_URL,
      REDIS_URL,
      TRUSTED_PROXIES: '127.0.0.1',
      SHUTDOWN_DELAY_SECONDS: '1',
      ...env,
    };
    const services = new Map<string, RunningService>();
    for (const [place, name] of places) {
      const logFile = join(stack.folder, `${place}.log`);
      services.set(place, track(await startService(name, settings, { folder: stack.folder, logFile })));
    }
    const portsOf = (wanted: ServiceName) =>
      [...services.values()].filter(({ name }) => name === wanted).map(({ port }) => port);
    const addressesOf = (name: ServiceName) => portsOf(name).map((port) => `127.0.0.1:${port}`);
    const seatIds = await makeEvent(stack, 200);
    const gateway = track(
      await startGateway({
        folder: join(stack.folder, 'gateway'),
        bookingPorts: portsOf('booking-api'),
        paymentPorts: portsOf('payment-api'),
        port: 8080,
      }),
    );
    const targets = Object.fromEntries(serviceNames.map((name) => [name, addressesOf(name)]));
    const prometheusFolder = join(stack.folder, 'prometheus');
    const prometheus = track(await startPrometheus({ folder: prometheusFolder, targets, port: 9090 }));
    return { stack, gateway, prometheus, services, seatIds, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
