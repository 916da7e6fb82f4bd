import { v7 as uuidv7 } from 'uuid';
import { createDatabase, withDatabase } from '../../rig/stores.ts';
import { insertEventOf29November, insertSeatsOf29November, tablesOf29November } from './tables.sql.ts';

/** @returns the address of a new database with the tables of that day, on the same server */
export async function createDatabaseOf29November(databaseUrl: string): Promise<string> {
  const url = await createDatabase(databaseUrl, 'of_29_november');
  await withDatabase(url, (client) => client.query(tablesOf29November));
  return url;
}

/** Adds an event with this number of seats. @returns their ids */
export async function addEventOf29November(databaseUrl: string, seats: number): Promise<string[]> {
  const eventId = uuidv7();
  const seatIds = Array.from({ length: seats }, () => uuidv7());
  await withDatabase(databaseUrl, async (client) => {
    await client.query(insertEventOf29November, [eventId]);
    await client.query(insertSeatsOf29November, [eventId, seatIds]);
  });
  return seatIds;
}
