import pg from 'pg';
import { InputCheck } from '../validation.ts';

/** Where the rows of a retired event go. */
export interface EventArchive {
  /** One JSON text, without a line break. */
  readonly write: (line: string) => Promise<void>;
  /** Resolves when all of it would survive a crash. Only then anything is deleted; if it rejects, nothing is. */
  readonly finish: () => Promise<void>;
}

export interface RetireEventInput {
  readonly eventId: string;
  /** As for `listRetirable`: an event that is younger is refused. */
  readonly keptDays: number;
  readonly archive: EventArchive;
  readonly onProgress?: (message: string) => void;
}

/** How many rows of each table were archived and deleted. */
export type RetiredEvent = Readonly<Record<RetiredTable, number>>;

type RetiredTable = (typeof tables)[number]['name'];

/** Why an event may not be retired; nothing was changed. */
export class NotRetirableError extends Error {
  override readonly name = 'NotRetirableError';
}

/*
 * In the order in which they are archived; deleted from the last to the first, so that no row is left that
 * names one that is gone.
 */
const tables = [
  { name: 'events', where: 'id = $1', order: 'id' },
  { name: 'seats', where: 'event_id = $1', order: 'id' },
  { name: 'bookings', where: 'event_id = $1', order: 'id' },
  { name: 'booking_seats', where: 'event_id = $1', order: 'booking_id, seat_id' },
  { name: 'booking_events', where: 'event_id = $1', order: 'booking_id, from_status nulls first' },
  { name: 'idempotency_keys', where: 'event_id = $1', order: 'created_at, id' },
] as const;

const rowsPerFetch = 2_000;
const seatsPerSlice = 1_000;

/** Over for long enough ($1 days), and at rest: what a client may still ask about by its idempotency key stays. */
export function retirable(event: string): string {
  return `${event}.starts_at < clock_timestamp() - make_interval(days => $1)
    and ${event}.created_at < clock_timestamp() - interval '1 day'
    and not exists (
      select from booking_events record
      where record.event_id = ${event}.id and record.at > clock_timestamp() - interval '1 day'
    )`;
}

/**
 * Archives and deletes one event in one transaction. What is deleted is what was archived, because every row that
 * could change is locked before: bookings by id, then seats by id, as everybody does. Last but one, the status keys
 * go: a key without its seat turns nobody away who could be served.
 *
 * @param forgetSeats deletes what Redis says of seats
 * @throws NotRetirableError; and whatever the archive, PostgreSQL or Redis throws, with nothing deleted
 */
export async function retireEvent(
  client: pg.Client,
  forgetSeats: (eventId: string, seatIds: readonly string[]) => Promise<void>,
  { eventId, keptDays, archive, onProgress = () => {} }: RetireEventInput,
): Promise<RetiredEvent> {
  const check = new InputCheck();
  const id = check.id('/eventId', eventId);
  check.throwIfAny();
  await client.query('begin');
  try {
    // Whoever is deciding about a seat of it goes first: this can be done another day.
    await client.query('set local lock_timeout = 2000');
    await lock(client, id, keptDays);
    const rows = await writeArchive(client, id, archive);
    onProgress(`archived ${describeRows(rows)}`);
    for (let start = 0; start < rows.seatIds.length; start += seatsPerSlice) {
      await forgetSeats(id, rows.seatIds.slice(start, start + seatsPerSlice));
    }
    for (const { name, where } of tables.toReversed()) {
      const { rowCount } = await client.query(`delete from ${name} where ${where}`, [id]);
      if (rowCount !== rows.counts[name]) {
        throw new Error(
          `${rowCount} rows of ${name} were to be deleted, and ${rows.counts[name]} are archived`,
        );
      }
      onProgress(`deleted ${rowCount} rows of ${name}`);
    }
    await client.query('commit');
    return rows.counts;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function lock(client: pg.Client, id: string, keptDays: number): Promise<void> {
  const one = async (text: string, values: unknown[]) => (await client.query(text, values)).rowCount === 1;
  if (!(await one('select from events where id = $1 for update', [id])))
    throw new NotRetirableError('there is no such event');
  for (const table of ['bookings', 'seats']) {
    await client.query(
      `select count(*) from (select from ${table} where event_id = $1 order by id for update) locked`,
      [id],
    );
  }
  // From here on nobody can hold, confirm or release any of it; what was done before is to be seen now.
  if (await one(`select from bookings where event_id = $1 and status = 'PENDING' limit 1`, [id]))
    throw new NotRetirableError('it has holds that have not ended');
  if (!(await one(`select from events where ${retirable('events')} and id = $2`, [keptDays, id])))
    throw new NotRetirableError(
      `it is not over for ${keptDays} days, or something was recorded about it within a day`,
    );
}

interface ArchivedRows {
  readonly counts: Record<RetiredTable, number>;
  readonly seatIds: readonly string[];
}

async function writeArchive(client: pg.Client, id: string, archive: EventArchive): Promise<ArchivedRows> {
  const counts = Object.fromEntries(tables.map(({ name }) => [name, 0])) as Record<RetiredTable, number>;
  const seatIds: string[] = [];
  for (const { name, where, order } of tables) {
    // Its own text, because a cursor takes no parameters; the id was checked to be one.
    const query = `select * from ${name} where ${where.replace('$1', pg.escapeLiteral(id))} order by ${order}`;
    await client.query(
      `declare archived no scroll cursor for
       select json_build_object('table', '${name}', 'row', archived)::text as line, ${name === 'seats' ? 'archived.id' : 'null'} as seat_id
       from (${query}) archived`,
    );
    for (;;) {
      const { rows } = await client.query<{ line: string; seat_id: string | null }>(
        `fetch ${rowsPerFetch} from archived`,
      );
      for (const { line, seat_id: seatId } of rows) {
        await archive.write(line);
        if (seatId !== null) seatIds.push(seatId);
      }
      counts[name] += rows.length;
      if (rows.length < rowsPerFetch) break;
    }
    await client.query('close archived');
  }
  // Whoever reads it knows by this line that it is whole.
  await archive.write(JSON.stringify({ rows: counts }));
  await archive.finish();
  return { counts, seatIds };
}

function describeRows({ counts }: ArchivedRows): string {
  return tables.map(({ name }) => `${counts[name]} rows of ${name}`).join(', ');
}
