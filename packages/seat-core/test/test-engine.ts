import { createTestStack } from '@ticketing/dev-stack';
import type { Redis } from 'ioredis';
import pg from 'pg';
import { Registry } from 'prom-client';
import { openDatabase } from '../src/database.ts';
import { createExpiryQueue, type ExpiryQueue } from '../src/expiry-queue.ts';
import { closeRedis, openQueueRedis, openRedis } from '../src/redis.ts';
import { createSeatCore, type SeatCore, type SeatCoreOptions } from '../src/seat-core.ts';
import type { SeatStatus, TicketedEvent } from '../src/views.ts';

/** The engine on a database and a Redis of its own, with the clients in reach of the test. */
export interface TestEngine extends AsyncDisposable {
  readonly core: SeatCore;
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly expiryQueue: ExpiryQueue;
  readonly databaseUrl: string;
  /** The names of the hot statements that the engine has sent so far, oldest first. */
  readonly statements: readonly string[];
  /** The texts of all others. */
  readonly queries: readonly string[];
  /** What the engine logged, oldest first. */
  readonly log: readonly { level: string; message: string; fields: object }[];
  /** Another engine on the same clients, as another process or another setting would be. */
  readonly withSettings: (settings: Partial<SeatCoreOptions>) => SeatCore;
  /** An event of one row; its seats in the order of their numbers. */
  readonly createHall: (seats: number) => Promise<{ event: TicketedEvent; seatIds: [string, ...string[]] }>;
  readonly metric: (name: string, labels?: Record<string, string>) => Promise<number>;
  readonly seatRow: (seatId: string) => Promise<{ status: SeatStatus; version: number }>;
}

export async function openTestEngine(settings: Partial<SeatCoreOptions> = {}): Promise<TestEngine> {
  const stack = await createTestStack();
  const database = openDatabase({ databaseUrl: stack.serviceUrl, poolMax: 12 });
  // The owner's, for what a test looks at or does by hand.
  const pool = new pg.Pool({ connectionString: stack.databaseUrl, max: 4 });
  const statements: string[] = [];
  const queries: string[] = [];
  database.$client.on('connect', (client) => {
    const query = client.query.bind(client);
    client.query = ((...args: Parameters<typeof query>) => {
      const [first] = args as unknown as [{ name?: string; text?: string }];
      if (first.name !== undefined) statements.push(first.name);
      else if (first.text !== undefined) queries.push(first.text);
      return query(...args);
    }) as typeof client.query;
  });
  const redis = await openRedis({ redisUrl: stack.redisUrl });
  const queueRedis = await openQueueRedis({ redisUrl: stack.redisUrl });
  const expiryQueue = createExpiryQueue(queueRedis);
  const registry = new Registry();
  const log: { level: string; message: string; fields: object }[] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void log.push({ level, message, fields });
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const clients = { database, redis, queueRedis };
  const core = createSeatCore({ ...clients, registry, logger, ...settings });
  return {
    core,
    pool,
    redis,
    expiryQueue,
    databaseUrl: stack.databaseUrl,
    statements,
    queries,
    log,
    withSettings: (others) => createSeatCore({ ...clients, ...others }),
    async createHall(seats) {
      const event = await core.createEvent({
        name: 'Recital',
        venue: 'Small Hall',
        startsAt: new Date(Date.now() + 86_400_000),
        sections: [
          { name: 'Stalls', price: { amount: 150_000, currency: 'IDR' }, rows: [{ name: 'A', seats }] },
        ],
      });
      const { rows } = await pool.query<{ id: string }>(
        'select id from seats where event_id = $1 order by number',
        [event.id],
      );
      return { event, seatIds: rows.map((row) => row.id) as [string, ...string[]] };
    },
    async metric(name, labels = {}) {
      const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
      return values
        .filter((value) => Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted))
        .reduce((sum, value) => sum + value.value, 0);
    },
    async seatRow(seatId) {
      const { rows } = await pool.query<{ status: SeatStatus; version: number }>(
        'select status, version::int from seats where id = $1',
        [seatId],
      );
      return rows[0]!;
    },
    async [Symbol.asyncDispose]() {
      await core[Symbol.asyncDispose]();
      await expiryQueue.close();
      await closeRedis(queueRedis);
      await closeRedis(redis);
      await database.$client.end();
      await pool.end();
      await stack[Symbol.asyncDispose]();
    },
  };
}

/** The code of the refusal that a verb is expected to answer with. */
export async function refusal(work: Promise<unknown>): Promise<{ code: string; details: object }> {
  return work.then(
    (answer) => {
      throw new Error(`expected a refusal, got ${JSON.stringify(answer)}`);
    },
    (error: unknown) => {
      const { code, details } = error as { code?: string; details?: object };
      if (code === undefined || details === undefined) throw error;
      return { code, details };
    },
  );
}
