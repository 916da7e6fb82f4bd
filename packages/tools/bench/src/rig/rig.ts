import { join } from 'node:path';
import { createPrivateStack, startService, type PrivateStack, type ServiceName } from '@ticketing/testkit';
import { createDatabaseOf29November } from '../yardsticks/of-29-november/database.ts';
import { createStepsDatabase } from '../yardsticks/steps-database.ts';
import { startChild } from './child-process.ts';

export interface Server {
  readonly url: string;
  readonly pid: number;
}

/** The services on servers of their own, with everything on as in production, and the yardsticks beside them. */
export interface Rig extends AsyncDisposable {
  readonly stack: PrivateStack;
  readonly bookingApi: Server;
  readonly paymentApi: Server;
  readonly expiryWorker: Server;
  readonly steps: Server & { readonly databaseUrl: string };
  /** The same with a log line and limits. */
  readonly limitedSteps: Server & { readonly databaseUrl: string };
  /** The address of the database with the tables of 29 November. */
  readonly of29November: string;
  readonly bare: Server;
  /** Starts one more process of a service. */
  readonly startService: (name: ServiceName, databaseUrl: string) => Promise<Server & AsyncDisposable>;
}

/** Above every load, so that the limiter counts each request and refuses none. */
const rateLimitMax = '1000000';
/** For ten services with a pool each, the yardsticks and the bench itself. */
const maxConnections = 200;

/** @param options.folder for data and logs; default the folder of the test run */
export async function startRig(options: { readonly folder?: string } = {}): Promise<Rig> {
  const stack = await createPrivateStack({ ...options, maxConnections });
  const { databaseUrl, redisUrl, folder } = stack;
  const started: AsyncDisposable[] = [];
  const own = <T extends AsyncDisposable>(process: T): T => {
    started.push(process);
    return process;
  };
  const start = async (name: ServiceName, url: string) => {
    const environment = {
      DATABASE_URL: url,
      REDIS_URL: redisUrl,
      RATE_LIMIT_MAX: rateLimitMax,
      LIVE_SOCKETS_PER_ADDRESS: '0',
      LOG_LEVEL: 'info',
    };
    const logFile = join(folder, `${name}.log`);
    return own(await startService(name, environment, { ...options, logFile }));
  };
  const startYardstick = async (name: 'steps-service' | 'bare-service', job: object) => {
    const child = own(startChild(name, job, folder));
    return { pid: child.pid, url: (await child.message('listening')).url };
  };
  const stepsUrl = await createStepsDatabase(databaseUrl);
  const of29November = await createDatabaseOf29November(databaseUrl);
  const [bookingApi, paymentApi, expiryWorker, steps, limitedSteps, bare] = await Promise.all([
    start('booking-api', databaseUrl),
    start('payment-api', databaseUrl),
    start('expiry-worker', databaseUrl),
    startYardstick('steps-service', { databaseUrl: stepsUrl, redisUrl }),
    startYardstick('steps-service', {
      databaseUrl: stepsUrl,
      redisUrl,
      limits: { max: Number(rateLimitMax), logFile: join(folder, 'limited-steps.log') },
    }),
    startYardstick('bare-service', {}),
  ]);
  return {
    stack,
    bookingApi,
    paymentApi,
    expiryWorker,
    steps: { ...steps, databaseUrl: stepsUrl },
    limitedSteps: { ...limitedSteps, databaseUrl: stepsUrl },
    of29November,
    bare,
    startService: start,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(started.map((process) => process[Symbol.asyncDispose]()));
      await stack.dispose();
    },
  };
}
