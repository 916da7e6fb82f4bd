import { createPrivateStack, type PrivateStack, type ServiceName } from '@ticketing/testkit';
import { startTcpProxy, type TcpProxy } from '../faults/tcp-proxy.ts';
import { startMember, type Member } from './member.ts';
import { emptyStores, withDatabase } from './stores.ts';

/** The whole engine on servers of its own. The addresses of the stack lead straight to the servers, past the proxies. */
export interface Cluster
  extends AsyncDisposable, Pick<PrivateStack, 'databaseUrl' | 'redisUrl' | 'postgres' | 'redis'> {
  /** Every service connects through these, with the role of the services. */
  readonly links: { readonly postgres: TcpProxy; readonly redis: TcpProxy };
  readonly members: readonly Member[];
  readonly membersOf: (name: ServiceName) => readonly Member[];
  readonly settings: ClusterSettings;
  /** Deletes every event, booking, key and job. */
  readonly empty: () => Promise<void>;
}

export interface ClusterSettings {
  readonly each: Readonly<Record<ServiceName, number>>;
  readonly holdSeconds: number;
  readonly seatLockSeconds: number;
  readonly maxHeldSeats: number;
  /** By how much the clock of the second worker is ahead. */
  readonly workerSkewMs: number;
  /** Run on the migrated database, before the services. */
  readonly sql: readonly string[];
  readonly nodeFlags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const usualSettings: ClusterSettings = {
  each: { 'booking-api': 2, 'payment-api': 2, 'expiry-worker': 2 },
  holdSeconds: 2,
  seatLockSeconds: 3,
  maxHeldSeats: 8,
  workerSkewMs: 0,
  sql: [],
  nodeFlags: [],
  env: {},
};

export interface ClusterOptions extends Partial<ClusterSettings> {
  /** For data and logs; default the folder of the test run. */
  readonly folder?: string;
}

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { folder, ...chosen } = options;
  const settings: ClusterSettings = { ...usualSettings, ...chosen };
  const stack = await createPrivateStack(folder === undefined ? {} : { folder });
  const links = {
    postgres: await startTcpProxy(stack.postgres.port),
    redis: await startTcpProxy(stack.redis.port),
  };
  const members: Member[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
    await Promise.all([links.postgres[Symbol.asyncDispose](), links.redis[Symbol.asyncDispose]()]);
    await stack.dispose();
  };
  try {
    await withDatabase(stack.databaseUrl, async (client) => {
      for (const statement of settings.sql) await client.query(statement);
    });
    const env = {
      DATABASE_URL: throughPort(stack.serviceUrl, links.postgres.port),
      REDIS_URL: throughPort(stack.redisUrl, links.redis.port),
      DATABASE_POOL_MAX: '8',
      HOLD_SECONDS: String(settings.holdSeconds),
      SEAT_LOCK_SECONDS: String(settings.seatLockSeconds),
      MAX_SEATS_PER_BOOKING: String(settings.maxHeldSeats),
      MAX_HELD_SEATS_PER_USER: String(settings.maxHeldSeats),
      RATE_LIMIT_MAX: '0',
      LOG_LEVEL: 'warn',
      ...settings.env,
    };
    const wanted = Object.entries(settings.each).flatMap(([name, count]) =>
      Array.from({ length: count }, (_, index) => ({ name: name as ServiceName, number: index + 1 })),
    );
    const start = async ({ name, number }: (typeof wanted)[number]): Promise<void> => {
      const isSkewed = name === 'expiry-worker' && number === 2 && settings.workerSkewMs !== 0;
      const member = await startMember({
        name,
        label: `${name} ${number}`,
        folder: stack.folder,
        env: isSkewed ? { ...env, CHAOS_CLOCK_SKEW_MS: String(settings.workerSkewMs) } : env,
        nodeFlags: isSkewed ? [clockSkewFlag, ...settings.nodeFlags] : settings.nodeFlags,
      });
      members.push(member);
    };
    // Two at a time: all at once would start too slowly on a small machine for the time limits of the start.
    for (let index = 0; index < wanted.length; index += 2) {
      const pair = await Promise.allSettled(wanted.slice(index, index + 2).map(start));
      for (const outcome of pair) if (outcome.status === 'rejected') throw outcome.reason;
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  members.sort((a, b) => (a.label < b.label ? -1 : 1));
  return {
    ...stack,
    links,
    members,
    membersOf: (name) => members.filter((member) => member.name === name),
    settings,
    empty: () => emptyStores(stack),
    [Symbol.asyncDispose]: dispose,
  };
}

/** The built file, also when this module runs from its source. */
const clockSkewFlag = `--import=${new URL('../../dist/cluster/skew-clock.js', import.meta.url).href}`;

function throughPort(url: string, port: number): string {
  const through = new URL(url);
  through.port = String(port);
  return through.href;
}
