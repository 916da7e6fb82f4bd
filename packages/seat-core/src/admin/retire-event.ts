import type pg from 'pg';
import { InputCheck } from '../validation.ts';
import { closeCursor, fetchRows } from './read-transaction.sql.ts';
import {
  declareArchive,
  deleteBlocks,
  deleteRows,
  findHold,
  isRetirable,
  lockEvent,
  lockRowsOf,
  retiredTables,
  waitBriefly,
  type RetiredTable,
} from './retention.sql.ts';

/** Receives the rows of a retired event. */
export interface EventArchive {
  /** Called with one JSON text at a time, without a line break. */
  readonly write: (line: string) => Promise<void>;
  /** Resolves when the archive would survive a crash. Only then rows are deleted; if it rejects, none is. */
  readonly finish: () => Promise<void>;
}

export interface RetireEventInput {
  readonly eventId: string;
  /** As for `listRetirable`: a younger event is refused. */
  readonly keptDays: number;
  readonly archive: EventArchive;
  readonly onProgress?: (message: string) => void;
}

/** How many rows of each table were archived and deleted. */
export type RetiredEvent = Readonly<Record<RetiredTable, number>>;

/** The event may not be retired, for the reason in `message`. Nothing was changed. */
export class NotRetirableError extends Error {
  override readonly name = 'NotRetirableError';
}

const rowsPerFetch = 2_000;
const seatsPerSlice = 1_000;

/**
 * Archives and deletes one event in one transaction. It deletes exactly the archived rows, because it locks every row
 * that could change before. The status keys are deleted before the rows: a key without its seat refuses no buyer.
 *
 * @param dropKeys deletes the status keys of seats
 * @throws NotRetirableError; and what the archive, PostgreSQL or Redis throws. Nothing is deleted then
 */
export async function retireEvent(
  client: pg.Client,
  dropKeys: (eventId: string, seatIds: readonly string[]) => Promise<void>,
  input: RetireEventInput,
): Promise<RetiredEvent> {
  const check = new InputCheck(input);
  const id = check.id('/eventId', input.eventId);
  check.throwIfAny();
  const { keptDays, archive, onProgress = () => {} } = input;
  await client.query('begin');
  try {
    await client.query(waitBriefly);
    await lock(client, id, keptDays);
    const rows = await writeArchive(client, id, archive);
    onProgress(`archived ${describeRows(rows)}`);
    for (let start = 0; start < rows.seatIds.length; start += seatsPerSlice) {
      await dropKeys(id, rows.seatIds.slice(start, start + seatsPerSlice));
    }
    await client.query(deleteBlocks, [id]);
    for (const table of retiredTables.toReversed()) {
      const { name } = table;
      const { rowCount } = await client.query(deleteRows(table), [id]);
      if (rowCount !== rows.counts[name]) {
        throw new Error(
          `${rowCount} rows of ${name} would be deleted, but ${rows.counts[name]} are archived`,
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
  if (!(await one(lockEvent, [id]))) throw new NotRetirableError('there is no such event');
  for (const table of ['bookings', 'seats'] as const) await client.query(lockRowsOf(table), [id]);
  // From here on no transition can change a row of the event, so these look-ups see its last state.
  if (await one(findHold, [id])) throw new NotRetirableError('it has holds that have not ended');
  if (!(await one(isRetirable, [keptDays, id])))
    throw new NotRetirableError(`it is not over for ${keptDays} days, or had a transition within a day`);
}

interface ArchivedRows {
  readonly counts: Record<RetiredTable, number>;
  readonly seatIds: readonly string[];
}

async function writeArchive(client: pg.Client, id: string, archive: EventArchive): Promise<ArchivedRows> {
  const counts = Object.fromEntries(retiredTables.map(({ name }) => [name, 0])) as Record<
    RetiredTable,
    number
  >;
  const seatIds: string[] = [];
  for (const table of retiredTables) {
    const { name } = table;
    await client.query(declareArchive(table, id));
    for (;;) {
      const { rows } = await client.query<{ line: string; seat_id: string | null }>(
        fetchRows(rowsPerFetch, 'archived'),
      );
      for (const { line, seat_id: seatId } of rows) {
        await archive.write(line);
        if (seatId !== null) seatIds.push(seatId);
      }
      counts[name] += rows.length;
      if (rows.length < rowsPerFetch) break;
    }
    await client.query(closeCursor('archived'));
  }
  // The last line tells a reader that the archive is complete.
  await archive.write(JSON.stringify({ rows: counts }));
  await archive.finish();
  return { counts, seatIds };
}

function describeRows({ counts }: ArchivedRows): string {
  return retiredTables.map(({ name }) => `${counts[name]} rows of ${name}`).join(', ');
}
