import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createPrivateStack,
  deadlineFactor,
  makeEvent,
  startRedis,
  startService,
  waitFor,
  withinDeadline,
  type PrivateStack,
} from '@ticketing/testkit';
import { openSeatCore, type SeatCore } from '@ticketing/seat-core';
import { openDatabase, openRedis, type Database } from '@ticketing/seat-core/clients';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/* The expiry-worker as a Redis user that lacks a right: sweep, health and shutdown never depend on the queue. */

let stack: PrivateStack;
let core: SeatCore;
let database: Database;
let admin: Awaited<ReturnType<typeof openRedis>>;
let free: string[];
beforeAll(async () => {
  stack = await createPrivateStack();
  const { databaseUrl, serviceUrl, redisUrl } = stack;
  core = await openSeatCore({ databaseUrl: serviceUrl, redisUrl, holdSeconds: 1 });
  database = openDatabase({ databaseUrl, poolMax: 1 });
  admin = await openRedis({ redisUrl });
  free = [...(await makeEvent(core, { seats: 60 })).seatIds];
});
afterAll(async () => {
  await core.close();
  await database.$client.end();
  admin.disconnect();
  await stack.dispose();
});

interface Part {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
}

/** How the database recorded the end of a hold. */
async function endOfHold(): Promise<{ cause: string; late: number }> {
  const { id } = await core.holdSeats({ seatIds: [free.pop()!], userId: `user-${free.length}` });
  return waitFor(
    async () => {
      const { rows } = await database.$client.query<{ cause: string; late: number }>(
        `select event.cause, (extract(epoch from event.at - booking.expires_at) * 1000)::float8 as late
         from booking_events event join bookings booking on booking.id = event.booking_id
         where booking.id = $1 and event.to_status = 'EXPIRED'`,
        [id],
      );
      return rows[0];
    },
    { description: 'the hold to end', timeoutMs: 5_000 },
  );
}

async function startAs(user: string, rules: readonly string[]) {
  await admin.call('ACL', 'SETUSER', user, 'reset', 'on', '>secret', ...rules);
  const url = Object.assign(new URL(stack.redisUrl), { username: user, password: 'secret' });
  const worker = await startService(
    'expiry-worker',
    { DATABASE_URL: stack.serviceUrl, REDIS_URL: url.href },
    { until: 'any' },
  );
  return Object.assign(worker, {
    parts: async () => {
      const answer = await fetch(`${worker.url}/health/ready`);
      return ((await answer.json()) as { readonly parts?: readonly Part[] }).parts ?? [];
    },
    cpuSeconds: async () => {
      const metrics = await (await fetch(`${worker.url}/metrics`)).text();
      return Number(/^process_cpu_seconds_total (\S+)/m.exec(metrics)?.[1]);
    },
  });
}
const commandsRun = async () => Number(/total_commands_processed:(\d+)/.exec(await admin.info('stats'))?.[1]);

/** Log lines above debug, CPU and commands while nothing happens. */
async function watch(worker: Awaited<ReturnType<typeof startAs>>, ms: number) {
  const before = {
    lines: worker.logRecords().length,
    cpu: await worker.cpuSeconds(),
    commands: await commandsRun(),
  };
  await delay(ms);
  return {
    lines: worker.logRecords().length - before.lines,
    cpuShare: ((await worker.cpuSeconds()) - before.cpu) / (ms / 1_000),
    commandsPerSecond: ((await commandsRun()) - before.commands) / (ms / 1_000),
  };
}

const all = ['~*', '&*', '+@all'];
const inPlace = 'The sweep ends holds in place of their jobs.';
const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['may not run SET', [...all, '-set'], ['redis: SET +set', 'queue: SET +set']],
  ['may not run DEL', [...all, '-del'], ['redis: DEL +del', 'queue: DEL +del']],
  ['may not run scripts', [...all, '-@scripting'], ['redis: EVAL +eval', 'queue: EVAL, EVALSHA +eval']],
  ['may not run BZPOPMIN', [...all, '-bzpopmin'], ['queue: BZPOPMIN +bzpopmin']],
  ['may use no channel', [...all, 'resetchannels'], ['redis: seats:changes:0:* &seats:changes:0:*']],
  [
    'may use the keys of another program only',
    ['~other:*', '&*', '+@all'],
    ['redis: status:seat:* ~status:seat:*', 'queue: {bull}:* ~{bull}:*'],
  ],
];

describe.each(cases)('a Redis user that %s', (_, rules, expected) => {
  it('leaves sweep, health, metrics and shutdown of the worker as they are, and is named by readiness', async () => {
    await using worker = await startAs('limited', rules);
    const parts = await waitFor(
      async () => {
        const found = await worker.parts();
        return found.length >= expected.length && found.every(({ detail }) => detail.includes('; grant '))
          ? found
          : undefined;
      },
      { description: 'the missing rights to be reported' },
    );
    for (const line of expected) {
      const [, name, missing, grant] = /^(\w+): (.*) (\S+)$/.exec(line)!;
      const part = parts.find((one) => one.name === name);
      expect(part?.status).toBe('misconfigured');
      expect(part?.detail).toContain(missing);
      expect(part?.detail).toMatch(new RegExp(`grant .*${grant!.replaceAll(/[+&~{}*]/g, String.raw`\$&`)}`));
    }
    const queue = parts.find(({ name }) => name === 'queue');
    if (queue !== undefined) expect(queue.detail).toContain(inPlace);

    const { cause, late } = await endOfHold();
    expect(late).toBeLessThan(2_000 * deadlineFactor());
    if (queue !== undefined) expect(cause).toBe('sweep');

    const quiet = await watch(worker, 3_000);
    expect(quiet.cpuShare).toBeLessThan(0.4);
    expect(quiet.lines).toBeLessThan(10);
    expect(quiet.commandsPerSecond).toBeLessThan(400);

    const exit = await withinDeadline('stopping', 5_000, () => worker.stop());
    expect(exit).toEqual({ code: 0, signal: null });
  });
});

it('a Redis user without INFO lets jobs run in time, and readiness says that the eviction policy is unknown', async () => {
  await using worker = await startAs('limited', [...all, '-@dangerous']);
  const parts = await waitFor(
    async () => {
      const found = await worker.parts();
      return found.length > 0 ? found : undefined;
    },
    { description: 'the missing right to be reported' },
  );
  expect(parts).toEqual([
    {
      name: 'queue',
      status: 'misconfigured',
      detail:
        'The Redis user may not run INFO (NOPERM); grant +info. Whether this Redis deletes clean-up jobs when it is full is unknown; maxmemory-policy must be noeviction.',
    },
  ]);
  const ends = await Promise.all(Array.from({ length: 5 }, endOfHold));
  // The sweep runs once a second, and may come first for the holds that end at that moment.
  expect(ends.map(({ cause }) => cause)).toContain('job');
  expect((await watch(worker, 3_000)).cpuShare).toBeLessThan(0.4);
  expect(worker.logs()).not.toMatch(/^[^{]/m);
  expect(await withinDeadline('stopping', 5_000, () => worker.stop())).toEqual({ code: 0, signal: null });
});

it('rights that are taken and given back while the worker runs are noticed, with one line for each change', async () => {
  await using worker = await startAs('changing', all);
  await waitFor(async () => (await worker.parts()).length === 0, { description: 'the worker to be ready' });
  const { length: before } = worker.logRecords();
  await admin.call('ACL', 'SETUSER', 'changing', '-zadd', '-bzpopmin');
  await waitFor(
    async () => {
      expect((await worker.parts()).map(({ detail }) => detail).join()).toContain('+zadd');
      return true;
    },
    { description: 'the missing rights to be reported' },
  );
  expect((await endOfHold()).cause).toBe('sweep');
  expect((await watch(worker, 3_000)).lines).toBeLessThan(5);
  await admin.call('ACL', 'SETUSER', 'changing', '+zadd', '+bzpopmin');
  await waitFor(async () => (await worker.parts()).length === 0, { description: 'the rights to be noticed' });
  await waitFor(async () => (await endOfHold()).cause === 'job', {
    description: 'a job to be done',
    timeoutMs: 20_000,
  });
  const lines = worker.logRecords().slice(before);
  const opened = lines.filter(({ msg }) => String(msg).startsWith('circuit opened'));
  expect(opened.map(({ dependency }) => dependency)).toEqual(['queue']);
});

it.each(['booking-api', 'payment-api', 'expiry-worker'] as const)(
  '%s refuses to start on a Redis in cluster mode, in one sentence',
  async (name) => {
    const folder = join(stack.folder, `cluster-${name}`);
    const cluster = await startRedis({
      folder,
      logFile: `${folder}.log`,
      persistent: false,
      databases: 1,
      settings: ['cluster-enabled yes'],
    });
    try {
      await expect(
        startService(name, { DATABASE_URL: stack.serviceUrl, REDIS_URL: cluster.url() }),
      ).rejects.toThrow(
        /ended.*(exit code|code) 1[\s\S]*could not start: Redis at REDIS_URL runs in cluster mode, which is not supported; use a Redis without cluster mode/,
      );
    } finally {
      await cluster.stop();
    }
  },
);
