import { openSeatCore } from '@ticketing/seat-core';
import { runSql } from './run-sql.ts';

/** Makes an event with rows of a hundred seats. @returns the ids of all its seats */
export async function makeEvent(
  servers: { readonly databaseUrl: string; readonly redisUrl: string },
  rows: number,
): Promise<string[]> {
  await using core = await openSeatCore(servers);
  const section = {
    name: 'Tribun',
    price: { amount: 15_000_000, currency: 'IDR' },
    rows: Array.from({ length: rows }, (_, index) => ({ name: `R${index}`, seats: 100 })),
  };
  const startsAt = new Date(Date.now() + 86_400_000);
  const { id } = await core.createEvent({ name: 'Konser', venue: 'Istora', startsAt, sections: [section] });
  const sql = 'select id from seats where event_id = $1';
  return (await runSql<{ id: string }>(servers.databaseUrl, sql, [id])).map((seat) => seat.id);
}
