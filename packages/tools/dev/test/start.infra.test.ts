import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createTestStack, waitFor, withinDeadline } from '@ticketing/testkit';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { addressIn, processesOn, startStack, type StackRun } from './start-stack.ts';

let dataFolder: string;
const runs: StackRun[] = [];

beforeEach(() => {
  dataFolder = join(inject('ticketingTestServers').folder, `stack-${process.hrtime.bigint()}`);
});

afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.signal('SIGTERM');
    await run.ended;
  }
  await expectNothingLeft();
  await rm(dataFolder, { recursive: true, force: true });
});

async function start(options: Parameters<typeof startStack>[1] = {}): Promise<StackRun> {
  const run = await startStack(dataFolder, options);
  runs.push(run);
  return run;
}

async function expectNothingLeft(): Promise<void> {
  await waitFor(async () => (await processesOn(dataFolder)).length === 0, {
    description: 'every process to be gone',
  });
}

async function pidOf(program: string): Promise<number> {
  const entry = (await processesOn(dataFolder)).find(({ argv }) =>
    argv.slice(0, 3).some((arg) => arg.includes(program)),
  );
  return entry?.pid ?? 0;
}

async function send<T>(url: string, body?: object): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

interface Seat {
  readonly id: string;
  readonly eventId: string;
  readonly status: string;
}

interface Booking {
  readonly id: string;
  readonly seats: readonly Seat[];
}

async function sellASeat(ready: string): Promise<Seat> {
  const url = `${addressIn(ready, 'booking-api')}/api/v1`;
  const { seats } = await send<{ seats: Seat[] }>(`${url}/seats/available?limit=1`);
  const held = await send<Booking>(`${url}/booking`, { seatId: seats[0]?.id, userId: 'newcomer' });
  const payment = `${addressIn(ready, 'payment-api')}/api/v1/payment/${held.id}/confirm`;
  const confirmed = await send<Booking>(payment, {});
  expect(confirmed).toMatchObject({ status: 'CONFIRMED', seats: [{ status: 'SOLD' }] });
  return confirmed.seats[0]!;
}

async function statusOf(ready: string, sold: Seat): Promise<string | undefined> {
  const map = `${addressIn(ready, 'booking-api')}/api/v1/events/${sold.eventId}/seats`;
  const { seats } = await send<{ seats: Seat[] }>(map);
  return seats.find((seat) => seat.id === sold.id)?.status;
}

/** The private Redis of the stack, whose address `npm start` keeps for `npm run ops`. */
async function inRedis<T>(fn: (redis: Redis) => Promise<T>): Promise<T> {
  const servers = await readFile(join(dataFolder, 'servers.json'), 'utf8');
  const redis = new Redis((JSON.parse(servers) as { REDIS_URL: string }).REDIS_URL);
  try {
    return await fn(redis);
  } finally {
    redis.disconnect();
  }
}

describe('npm start', () => {
  it('comes up on an empty folder, sells a seat, restarts dead processes, and leaves nothing when it stops', async () => {
    const run = await start();
    const ready = await run.line('ready');
    expect(Number(/demo event .* made, (\d+) seats/.exec(run.output())?.[1])).toBeGreaterThan(1_450);
    // Nothing else is wrong with an installation that we made ourselves.
    expect(new Set(run.output().match(/(?<=warning: ).*/g))).toEqual(
      new Set(['authentication is off: user ids are believed as sent, and every request has every role']),
    );
    await sellASeat(ready);

    process.kill(await pidOf('payment-api'), 'SIGKILL');
    await run.line('payment-api was killed by SIGKILL; starting it again');
    await run.line('payment-api is ready again');
    process.kill(await pidOf('/postgres'), 'SIGKILL');
    await run.line('PostgreSQL is ready again');
    await waitFor(() => sellASeat(ready), { description: 'a sale after the restarts', timeoutMs: 10_000 });

    const second = await startStack(dataFolder);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`npm start is already running here, as process ${run.pid}.`);

    const { port } = new URL(addressIn(ready, 'payment-api'));
    const rival = await startStack(join(dataFolder, 'rival'), { env: { PAYMENT_API_PORT: port } });
    expect(await rival.ended).toBe(1);
    expect(rival.output()).toContain(`Port ${port}, wanted for payment-api, is used by another program.`);

    run.signal('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(run.output().split('\n').at(-1)).toBe('Stopped.');
    await expectNothingLeft();
  });

  it('keeps its data over a kill, stops the services that are left over, and empties everything with --fresh', async () => {
    const first = await start();
    const sold = await sellASeat(await first.line('ready'));
    await inRedis((redis) => redis.set('mark', '1'));
    // A frozen service outlives its supervisor whatever signal the kernel sends.
    const frozen = await pidOf('expiry-worker');
    process.kill(frozen, 'SIGSTOP');
    first.signal('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');

    const second = await start();
    await second.line(`stopping expiry-worker (process ${frozen}), left over from a run that was killed`);
    const ready = await second.line('ready');
    expect(await statusOf(ready, sold)).toBe('SOLD');
    expect(await inRedis((redis) => redis.get('mark'))).toBe('1');
    second.signal('SIGINT');
    expect(await second.ended).toBe(0);

    const fresh = await start({ args: ['--fresh'] });
    const bookingApi = addressIn(await fresh.line('ready'), 'booking-api');
    const { events } = await send<{ events: { id: string }[] }>(`${bookingApi}/api/v1/events`);
    expect(events).toMatchObject([{ seatCounts: { reserved: 0, sold: 0 } }]);
    expect(events[0]?.id).not.toBe(sold.eventId);
    expect(await inRedis((redis) => redis.get('mark'))).toBeNull();
  });

  it('uses the servers that the environment names, and starts none beside them', async () => {
    await using stack = await createTestStack();
    const run = await start({ env: { DATABASE_URL: stack.databaseUrl, REDIS_URL: stack.redisUrl } });
    await sellASeat(await run.line('ready'));
    const programs = (await processesOn(dataFolder)).map(({ argv }) => argv[0]);
    expect(programs).toEqual(Array.from({ length: 3 }, () => process.execPath));
    run.signal('SIGTERM');
    expect(await run.ended).toBe(0);
  });

  it.each<[string, (run: StackRun) => Promise<unknown>]>([
    [
      'it makes the cluster',
      () => waitFor(() => pidOf('/initdb'), { description: 'initdb', timeoutMs: 60_000 }),
    ],
    ['Redis runs', (run) => run.line('Redis')],
    ['PostgreSQL runs', (run) => run.line('PostgreSQL')],
    ['the demo event is made', (run) => run.line('Database: empty')],
    [
      'the services start',
      () => waitFor(() => pidOf('booking-api'), { description: 'a service', timeoutMs: 60_000 }),
    ],
  ])('can be stopped while %s', async (_, moment) => {
    const run = await start();
    await moment(run);
    run.signal('SIGTERM');
    expect(await withinDeadline('the stop of a start', 10_000, () => run.ended)).toBe(0);
    expect(run.output()).not.toContain('\nready');
    await expectNothingLeft();
  });

  it('obeys a signal that comes when the command takes over from the bootstrap', async () => {
    const preload = `if (process.argv[1]?.endsWith('bootstrap.mjs')) {
      const removeListener = process.removeListener;
      process.removeListener = (name, listener) => {
        if (name === 'SIGTERM') process.kill(process.pid, name);
        return removeListener.call(process, name, listener);
      };
    }`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(preload)}`;
    const run = await start({ env: { NODE_OPTIONS } });
    expect(await run.ended).toBe(0);
    expect(run.output()).toContain('Stopping (SIGTERM).');
    expect(run.output()).not.toContain('\nready');
  });

  it('keeps the variables of drivers and locales from its private servers, and says so', async () => {
    const env = {
      PGSSLMODE: 'require',
      PGHOST: '192.0.2.1',
      PGOPTIONS: '-c no_such_setting=1',
      PGDATESTYLE: 'bogus',
      PGDATA: '/nowhere',
      NODE_PG_FORCE_NATIVE: '1',
      LC_ALL: 'xx_XX.UTF-8',
      TMPDIR: '/nowhere',
    };
    const run = await start({ env });
    await sellASeat(await run.line('ready'));
    const ignored =
      'PGSSLMODE, PGHOST, PGOPTIONS, PGDATESTYLE, PGDATA: ignored, because PostgreSQL is a private one.';
    expect(run.output()).toContain(ignored);
  });

  it('keeps the variables of drivers for a server that the environment names', async () => {
    await using stack = await createTestStack();
    const servers = { DATABASE_URL: stack.databaseUrl, REDIS_URL: stack.redisUrl };
    const run = await start({ env: { ...servers, PGSSLMODE: 'require' } });
    expect(await run.ended).toBe(1);
    expect(run.output()).toContain('could not be migrated: The server does not support SSL connections');
  });

  it('stops what it has started when the start fails', async () => {
    const first = await start();
    await first.line('PostgreSQL');
    first.signal('SIGTERM');
    await first.ended;
    await writeFile(join(dataFolder, 'postgres', 'password'), 'not the one of the cluster');
    const second = await start();
    await waitFor(() => pidOf('/postgres'), { description: 'PostgreSQL', timeoutMs: 60_000 });
    expect(await withinDeadline('the end of a failed start', 10_000, () => second.ended)).toBe(1);
    expect(second.output()).toContain('password authentication failed');
    await expectNothingLeft();
  });

  it.each([
    ['DATABASE_URL', 'postgres://shop', 'The database could not be migrated: '],
    ['REDIS_URL', 'redis://', 'The Redis of REDIS_URL does not answer: '],
  ])(
    'gives up a server of %s that accepts connections and answers nothing',
    async (name, scheme, sentence) => {
      const mute = createServer().listen(0, '127.0.0.1');
      await once(mute, 'listening');
      const { port } = mute.address() as AddressInfo;
      const address = `${scheme}${name === 'DATABASE_URL' ? '@' : ''}127.0.0.1:${port}`;
      await using stack = await createTestStack();
      const run = await start({
        env: { DATABASE_URL: stack.databaseUrl, REDIS_URL: stack.redisUrl, [name]: address },
      });
      expect(await withinDeadline('the end of a failed start', 20_000, () => run.ended)).toBe(1);
      expect(run.output()).toContain(sentence);
      mute.close();
    },
  );

  it('is killed at once by a second signal, while its services take their time to stop', async () => {
    const run = await start({ env: { SHUTDOWN_DELAY_SECONDS: '60' } });
    await run.line('ready');
    run.signal('SIGINT');
    await run.line('Stopping (SIGINT).');
    // One Ctrl-C may arrive twice, from the terminal and from npm: the second is no second request.
    run.signal('SIGINT');
    await waitFor(
      () => {
        run.signal('SIGINT');
        return run.output().includes('Killing everything at once.');
      },
      { description: 'the second signal to count', intervalMs: 100 },
    );
    expect(await run.ended).toBe(1);
  });

  it('shows an error of the configuration, and does not retry', async () => {
    const run = await start({ env: { HOLD_SECONDS: 'forever' } });
    expect(await run.ended).toBe(1);
    expect(run.output()).toMatch(/\[booking-api\] .*HOLD_SECONDS/);
    expect(run.output()).toContain('booking-api ended with exit code 1 before it was ready');
    expect(run.output()).not.toContain('starting it again');
    await expectNothingLeft();
  });

  it.each([
    [[], { PAYMENT_API_PORT: '70000' }, 'PAYMENT_API_PORT must be a port'],
    [['--frehs'], {}, 'npm start does not know "--frehs".'],
    [['--fresh'], { DATABASE_URL: 'postgres://shop' }, 'it is refused while DATABASE_URL is set'],
    [['--fresh'], { REDIS_URL: 'redis://shop' }, 'it is refused while REDIS_URL is set'],
  ])('refuses %j with %j', async (args, env, sentence) => {
    const run = await start({ args, env });
    expect(await run.ended).toBe(1);
    expect(run.output()).toContain(sentence);
  });

  it('prints its help', async () => {
    const run = await start({ args: ['--help'] });
    expect(await run.ended).toBe(0);
    expect(run.output()).toContain('npm start -- --fresh');
  });
});
