import { join } from 'node:path';
import {
  createPrivateStack,
  startService,
  type PrivateStack,
  type RunningService,
  type ServiceName,
} from '@ticketing/testkit';
import { startPart, type Part } from '../parts/start-part.ts';
import { createPageDatabase } from './page-database.ts';

/** The engine on servers of its own, with everything on as in production, and the yardsticks beside it. */
export interface Rig extends AsyncDisposable {
  readonly stack: PrivateStack;
  /** The service on the stack's database; the same process each time. */
  readonly service: (name: ServiceName) => Promise<RunningService>;
  /** One more process. */
  readonly startService: (name: ServiceName, databaseUrl: string) => Promise<RunningService>;
  readonly page: () => Promise<Yardstick & { readonly databaseUrl: string }>;
  readonly bare: () => Promise<Yardstick>;
}

export interface Yardstick {
  readonly url: string;
  readonly pid: number;
}

/** More than any load makes, so that nobody is refused; but each request is counted. */
const rateLimitMax = '1000000';
/** Room for eight services with a pool each, the yardsticks and those who look. */
const maxConnections = 200;

/** @param options.folder where data and logs go; default the folder of the test run */
export async function startRig(options: { readonly folder?: string } = {}): Promise<Rig> {
  const stack = await createPrivateStack({ ...options, maxConnections });
  const closing: AsyncDisposable[] = [];
  const own = <T extends AsyncDisposable>(part: T): T => {
    closing.push(part);
    return part;
  };
  const start = async (name: ServiceName, databaseUrl: string) =>
    own(
      await startService(
        name,
        {
          DATABASE_URL: databaseUrl,
          REDIS_URL: stack.redisUrl,
          RATE_LIMIT_MAX: rateLimitMax,
          LIVE_SOCKETS_PER_ADDRESS: '0',
          LOG_LEVEL: 'info',
        },
        { ...options, logFile: join(stack.folder, `${name}.log`) },
      ),
    );
  const listening = async (part: Part) => ({ pid: part.pid, ...(await part.told('listening')) });
  return {
    stack,
    service: once((name: ServiceName) => start(name, stack.databaseUrl)),
    startService: start,
    page: once(async () => {
      const databaseUrl = await createPageDatabase(stack.databaseUrl);
      const job = { databaseUrl, redisUrl: stack.redisUrl };
      return { ...(await listening(own(startPart('page-service', job, stack.folder)))), databaseUrl };
    }),
    bare: once(async () => listening(own(startPart('bare-service', {}, stack.folder)))),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(closing.map((part) => part[Symbol.asyncDispose]()));
      await stack.dispose();
    },
  };
}

/** Made when it is first asked for, and kept. */
function once<Arguments extends readonly string[], T>(
  make: (...args: Arguments) => Promise<T>,
): (...args: Arguments) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (...args) => {
    const key = args.join(' ');
    const present = made.get(key) ?? make(...args);
    made.set(key, present);
    return present;
  };
}
