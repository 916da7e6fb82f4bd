import { shuffle } from '../rig/event.ts';
import { runMigrations } from '@ticketing/seat-core/admin';
import { backendMicros } from '../rig/process-usage.ts';
import { createDatabase, emptyStores, vacuumTables, withDatabase } from '../rig/stores.ts';
import { currentEngineName, openCurrentEngine } from '../yardsticks/current-statement.ts';
import { addEventOf29November } from '../yardsticks/of-29-november/database.ts';
import {
  holdAsOn29November,
  nameOf29November,
  openPoolOf29November,
  type HeldSeat,
} from '../yardsticks/of-29-november/hold.ts';
import type { Rig } from '../rig/rig.ts';
import type { Figure, Measure, Sample } from './figure.ts';

/** Bookings of a commit, and how many commits are measured. */
const sizes = [
  { size: 1, commits: 300 },
  { size: 8, commits: 120 },
  { size: 32, commits: 100 },
] as const;
const seatsAtScale = 20_000;
const heldBeforeAtScale = 4_000;
const fillAtOnce = 64;
/** After these PostgreSQL has planned both statements for filled tables. */
const warmUps = 8;

/** One of the two that are compared. */
interface Side {
  readonly databaseUrl: string;
  readonly applicationName: string;
  readonly seatIds: string[];
  readonly hold: (seats: readonly HeldSeat[]) => Promise<void>;
}

/** CPU time of PostgreSQL's processes per booking, at several sizes of a commit, today and on 29 November. */
export const backendCpu: Figure = {
  name: 'backend-cpu',
  title: 'CPU of the hold statement, by bookings of a commit',
  measure: async (rig, { scale }) => {
    const { redisUrl } = rig.stack;
    const databaseUrl = await emptyCurrentDatabase(rig);
    const measured = sizes.reduce((sum, { size, commits }) => sum + size * scaled(commits, scale), 0);
    const needed = measured + fillAtOnce * warmUps;
    const heldBefore = scaled(heldBeforeAtScale, scale);
    const seats = Math.max(scaled(seatsAtScale, scale), needed + heldBefore + fillAtOnce);

    await emptyStores(rig.of29November, redisUrl);
    await using engine = await openCurrentEngine(databaseUrl, redisUrl);
    const pool = openPoolOf29November(rig.of29November, 1);
    const client = await pool.connect();
    try {
      const current: Side = {
        databaseUrl,
        applicationName: currentEngineName,
        seatIds: shuffle(await engine.addEvent(seats)),
        hold: engine.hold,
      };
      const of29November: Side = {
        databaseUrl: rig.of29November,
        applicationName: nameOf29November,
        seatIds: shuffle(await addEventOf29November(rig.of29November, seats)),
        hold: async (some) => holdAsOn29November(client, some),
      };
      for (const side of [current, of29November]) await fill(side, heldBefore);
      // Its statistics make both plan their statements anew.
      for (const side of [current, of29November]) await vacuumTables(side.databaseUrl);
      for (const side of [current, of29November]) await fill(side, fillAtOnce * warmUps);
      return await compare(current, of29November, scale);
    } finally {
      client.release();
      await pool.end();
    }
  },
};

const databaseOfRig = new WeakMap<Rig, string>();

/** A database of its own for the engine, too: no worker and no service reads it meanwhile. */
async function emptyCurrentDatabase(rig: Rig): Promise<string> {
  const { databaseUrl, redisUrl } = rig.stack;
  const url = databaseOfRig.get(rig) ?? (await createDatabase(databaseUrl, 'current_statement'));
  databaseOfRig.set(rig, url);
  await runMigrations({ databaseUrl: url });
  await emptyStores(url, redisUrl);
  return url;
}

/** The two take turns commit by commit, so that neither finds the caches of the processor warmer than the other. */
async function compare(current: Side, of29November: Side, scale: number): Promise<Sample> {
  const measured: [Measure, number][] = [];
  for (const { size, commits } of sizes) {
    const count = scaled(commits, scale);
    const before = [await microsOf(current), await microsOf(of29November)];
    for (let commit = 0; commit < count; commit++) {
      await current.hold(take(current, size, `batch-${size}`));
      await of29November.hold(take(of29November, size, `batch-${size}`));
    }
    const after = [await microsOf(current), await microsOf(of29November)];
    const [now, then] = after.map((micros, index) => (micros - before[index]!) / (count * size));
    measured.push([`micros${size}`, now!], [`micros${size}Of29November`, then!]);
    measured.push([`batch${size}`, await batchSize(current, size)]);
  }
  return Object.fromEntries(measured);
}

async function fill(side: Side, seats: number): Promise<void> {
  for (let filled = 0; filled < seats; filled += fillAtOnce)
    await side.hold(take(side, fillAtOnce, 'holder'));
}

function take({ seatIds }: Side, count: number, user: string): HeldSeat[] {
  return seatIds.splice(0, count).map((seatId) => ({ seatId, userId: `${user}-${seatId}` }));
}

async function microsOf({ databaseUrl, applicationName }: Side): Promise<number> {
  const text = `select pid from pg_stat_activity where datname = current_database() and application_name = $1`;
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<{ pid: number }>(text, [applicationName]),
  );
  return backendMicros(rows.map(({ pid }) => pid));
}

/** How many bookings the engine's commits really had: as many as rows of one transaction. */
async function batchSize({ databaseUrl }: Side, size: number): Promise<number> {
  const text = `select count(*)::float8 / count(distinct xmin::text) as size from bookings where user_id like $1`;
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<{ size: number }>(text, [`batch-${size}-%`]),
  );
  return rows[0]!.size;
}

function scaled(count: number, scale: number): number {
  return Math.max(1, Math.ceil(count * scale));
}
