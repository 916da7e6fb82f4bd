import { atOnce, deadlineFactor, waitFor, withinDeadline } from '@ticketing/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SeatCoreError } from '../../src/errors.ts';
import type { Connections } from '../../src/postgres/connections.ts';
import { openLanes, sharesOf, type Lanes } from '../../src/postgres/lanes.ts';
import { openDatabase, type Database } from '../../src/postgres/pool.ts';
import { createRecordingLogger, type LogLine } from '../fixtures/recording-logger.ts';
import { openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
let database: Database;
let lanes: Lanes;
let log: readonly LogLine[];
beforeAll(async () => {
  engine = await openTestEngine();
  database = openDatabase({ databaseUrl: engine.serviceUrl, poolMax: 10 });
});
beforeEach(() => {
  const recording = createRecordingLogger();
  lanes = openLanes(database, { logger: recording.logger });
  log = recording.lines;
  return () => lanes.close();
});
afterAll(async () => {
  await database.$client.end();
  await engine[Symbol.asyncDispose]();
});

const sleep = (lane: Connections, seconds: number) =>
  lane.rows({ name: 'sleep', text: 'select pg_sleep($1)' }, [seconds]);
const answer = async (lane: Connections) =>
  (await lane.rows<{ one: number }>({ name: 'one', text: 'select 1 as one' }, []))[0]?.one;
const openedCircuits = () => log.filter(({ message }) => message.startsWith('circuit opened'));
/** Keeps the process from reading its sockets. */
function blockFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

it.each([
  [4, { sales: 2, reads: 1, creating: 1 }],
  [10, { sales: 6, reads: 3, creating: 1 }],
  [40, { sales: 27, reads: 12, creating: 1 }],
])('a pool of %d is shared as %j', (poolMax, shares) => {
  expect(sharesOf(poolMax)).toEqual(shares);
});

it('a pool that is too small for its lanes is refused', () => {
  const small = openDatabase({ databaseUrl: engine.serviceUrl, poolMax: 3 });
  expect(() => openLanes(small, { logger: engine.logger })).toThrow('/databasePoolMax must be 4 or more');
});

describe.each([
  ['reads', ['sales', 'creating']],
  ['sales', ['reads', 'creating']],
  ['creating', ['sales', 'reads']],
] as const)('while the lane %s', (full, others) => {
  it('is full, the others answer within their time', async () => {
    const length = sharesOf(10)[full] + 2;
    const crowd = atOnce(length, () => sleep(lanes[full], 0.9));
    await waitFor(() => lanes[full].waiting > 0, { description: 'callers to wait for the full lane' });
    await withinDeadline('answers of the other lanes', 800, () =>
      Promise.all(others.map(async (name) => expect(await answer(lanes[name])).toBe(1))),
    );
    await crowd;
    expect(openedCircuits()).toEqual([]);
  });

  it('loses its connections, the others are not refused', async () => {
    const end = () =>
      lanes[full].rows({ name: 'end', text: 'select pg_terminate_backend(pg_backend_pid())' }, []);
    await waitFor(async () => (await atOnce(8, end)).length > 0 && openedCircuits().length > 0, {
      description: 'the circuit of the lane to open',
    });
    for (const name of others) expect(await answer(lanes[name])).toBe(1);
    expect(openedCircuits().map(({ fields }) => fields)).toMatchObject([{ lane: full }]);
    await waitFor(() => answer(lanes[full]).then((one) => one === 1), { description: 'the lane to recover' });
  });
});

it('more callers than may wait for a lane are refused at once with OVERLOADED', async () => {
  const outcomes = await atOnce(400, () => sleep(lanes.reads, 0.2));
  const codes = outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? 'answered' : (outcome.reason as SeatCoreError).code,
  );
  expect(new Set(codes)).toEqual(new Set(['answered', 'OVERLOADED']));
  expect(openedCircuits()).toEqual([]);
});

it('an answer that the process was too busy to read is no outage of PostgreSQL', async () => {
  await answer(lanes.reads);
  const slow = sleep(lanes.reads, 0.2);
  const ready = Promise.all([answer(lanes.sales), slow]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  blockFor(1_600);
  expect((await ready)[0]).toBe(1);
  expect(openedCircuits()).toEqual([]);
});

describe('a statement that PostgreSQL refuses', () => {
  it.each([
    ['a unique violation', `do $$ begin raise unique_violation; end $$`],
    ['a deadlock', `do $$ begin raise deadlock_detected; end $$`],
    ['a serialization failure', `do $$ begin raise serialization_failure; end $$`],
    ['a statement that takes too long', 'select pg_sleep(1.1)'],
    ['a missing right', 'select * from pg_authid'],
    ['a missing table', 'select * from no_such_table'],
    ['a lock that is not to be had', `do $$ begin raise lock_not_available; end $$`],
  ])('%s opens no circuit, however often', async (_, text) => {
    const outcomes = await atOnce(4, () => lanes.sales.commit({ name: '', text }, []));
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(await answer(lanes.sales)).toBe(1);
    expect(openedCircuits()).toEqual([]);
  });
});

it('a session that PostgreSQL ended because it was idle in its transaction is worth another try, on another connection', async () => {
  const pids: number[] = [];
  const attempt = lanes.creating.lend(
    async (client) => {
      await client.query('begin');
      const { rows } = await client.query<{ pid: number }>(
        `select pg_backend_pid() as pid, set_config('idle_in_transaction_session_timeout', '50', true)`,
      );
      pids.push(rows[0]!.pid);
      blockFor(300 * deadlineFactor());
      await client.query('select 1');
      await client.query('commit');
    },
    { commits: true },
  );
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SeatCoreError);
  expect((error as SeatCoreError).code).toBe('DEPENDENCY_UNAVAILABLE');
  const [row] = await lanes.creating.rows<{ pid: number }>(
    { name: 'pid', text: 'select pg_backend_pid() as pid' },
    [],
  );
  expect(pids).not.toContain(row?.pid);
});
