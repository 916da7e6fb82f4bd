import {
  atOnce,
  createPrivateStack,
  makeEvent,
  waitFor,
  withAdminConnection,
  withinDeadline,
  type PrivateStack,
} from '@ticketing/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runMigrations } from '../../src/admin/migrate.ts';
import { anyone } from '../../src/records/ownership.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openSeatCore } from '../../src/open-seat-core.ts';
import { createRecordingLogger } from '../fixtures/recording-logger.ts';
import { refusal } from '../fixtures/test-engine.ts';

let stack: PrivateStack;
let owner: pg.Client;
let otherRoleUrl: string;
beforeAll(async () => {
  stack = await createPrivateStack();
  owner = new pg.Client({ connectionString: stack.databaseUrl });
  await owner.connect();
  const password = 'second';
  await owner.query(`create role second_service login password '${password}'`);
  await runMigrations({ databaseUrl: stack.databaseUrl, serviceRole: 'second_service' });
  otherRoleUrl = Object.assign(new URL(stack.databaseUrl), { username: 'second_service', password }).href;
});
afterAll(async () => {
  await owner.end();
  await stack.dispose();
});

/** The only synchronous standby goes away, or there is none. */
async function requireStandby(name: 'away' | ''): Promise<void> {
  await owner.query(`alter system set synchronous_standby_names = '${name}'`);
  await owner.query('select pg_reload_conf()');
  await waitFor(
    async () => {
      const { rows } = await owner.query<{ synchronous_standby_names: string }>(
        'show synchronous_standby_names',
      );
      return rows[0]?.synchronous_standby_names === name;
    },
    { description: 'PostgreSQL to read its settings' },
  );
}

afterEach(() => requireStandby(''));

async function backends(): Promise<{ open: number; stuck: number }> {
  const { rows } = await owner.query<{ open: number; stuck: number }>(
    `select count(*)::int as open, (count(*) filter (where wait_event = 'SyncRep'))::int as stuck
     from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
  return rows[0]!;
}

describe('the only synchronous standby away', () => {
  it('refuses commits within 1.2 s, in processes of two roles; reads go on, no backend leaks, and sales resume within a second', async () => {
    const { logger, lines } = createRecordingLogger();
    const { redisUrl } = stack;
    await using first = await openSeatCore({ databaseUrl: stack.serviceUrl, redisUrl, logger });
    await using second = await openSeatCore({ databaseUrl: otherRoleUrl, redisUrl });
    const { eventId, seatIds } = await makeEvent(first, { seats: 400 });
    let next = 0;
    const hold = (core: SeatCore) => {
      next += 1;
      return core.holdSeats({ seatIds: [seatIds[next]!], userId: `user-${next}` });
    };
    const kept = await hold(second);
    const before = await backends();

    await requireStandby('away');
    const { code } = await withinDeadline('the first commit that waits', 1_700, () => refusal(hold(first)));
    expect(code).toBe('DEPENDENCY_UNAVAILABLE');
    const isTold = (core: SeatCore) =>
      core.listDegradedDependencies().some(({ name, status }) => name === 'postgresql' && status === 'down');
    await waitFor(() => isTold(first) && isTold(second), { description: 'both processes to tell' });

    for (let round = 0; round < 10; round += 1) {
      const refusals = await withinDeadline('ten holds in each process', 1_200, () =>
        atOnce(20, (index) => hold(index % 2 === 0 ? first : second)),
      );
      for (const refused of refusals)
        expect(refused).toMatchObject({
          status: 'rejected',
          reason: { code: 'DEPENDENCY_UNAVAILABLE', details: {} },
        });
    }
    const confirmation = second.confirmBooking({ bookingId: kept.id, ownedBy: anyone, actor: 'shop' });
    expect(await refusal(confirmation)).toEqual({ code: 'DEPENDENCY_UNAVAILABLE', details: {} });
    const creation = first.createEvent({
      name: 'Encore',
      venue: 'Hall',
      startsAt: new Date(Date.now() + 86_400_000),
      sections: [{ name: 'A', price: { amount: 1, currency: 'IDR' }, rows: [{ name: '1', seats: 1 }] }],
    });
    expect((await refusal(creation)).code).toBe('DEPENDENCY_UNAVAILABLE');

    await withinDeadline('reads', 1_000, async () => {
      expect((await second.getSeatMap({ eventId })).seats).toHaveLength(400);
      expect((await second.listEvents()).events).toHaveLength(1);
      expect((await second.getBooking({ bookingId: kept.id, ownedBy: anyone })).status).toBe('PENDING');
      await second.ping();
    });
    const during = await backends();
    expect(during.stuck).toBe(1);
    expect(during.open).toBeLessThanOrEqual(before.open + during.stuck + 1);

    await requireStandby('');
    await withinDeadline('sales in both processes after the standby returned', 1_000, () =>
      Promise.all(
        [first, second].map((core) =>
          waitFor(async () => (await hold(core)).status === 'PENDING', { description: 'a hold to be made' }),
        ),
      ),
    );
    expect(isTold(first)).toBe(false);
    const told = lines.filter(({ message }) => message.includes('synchronous standby'));
    expect(told.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  it('a commit of another program that waits is the sensor: not one commit of the engine gets stuck behind it', async () => {
    await using core = await openSeatCore({ databaseUrl: otherRoleUrl, redisUrl: stack.redisUrl });
    const { seatIds } = await makeEvent(core, { seats: 1 });
    await owner.query('create table if not exists notes (n int)');
    await requireStandby('away');
    const foreign = withAdminConnection(stack.databaseUrl, (client) =>
      client.query('insert into notes values (1)'),
    );
    await waitFor(() => core.listDegradedDependencies().length > 0, {
      description: 'the waiting commit to be seen',
    });
    const { details } = await refusal(core.holdSeats({ seatIds, userId: 'ani' }));
    expect(details).toEqual({});
    expect((await backends()).stuck).toBe(1);
    await requireStandby('');
    await foreign;
  });

  it('a loader whose commits wait for less than a second each is not taken for it, however long its statement lasts', async () => {
    await using core = await openSeatCore({ databaseUrl: stack.serviceUrl, redisUrl: stack.redisUrl });
    await owner.query('create table if not exists notes (n int)');
    const loading = withAdminConnection(stack.databaseUrl, (client) =>
      client.query(
        'do $$ begin for n in 1..20 loop insert into notes values (n); commit; perform pg_sleep(0.1); end loop; end $$',
      ),
    );
    for (let commit = 1; commit <= 3; commit += 1) {
      await requireStandby('away');
      await waitFor(async () => (await backends()).stuck === 1, { description: 'a commit to wait' });
      // The state is asked for twice a second.
      const until = performance.now() + 550;
      while (performance.now() < until) {
        expect(core.listDegradedDependencies()).toEqual([]);
        await core.ping();
      }
      await requireStandby('');
    }
    await loading;
  });
});
