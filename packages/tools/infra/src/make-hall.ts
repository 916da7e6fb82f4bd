import { openDatabase, openSeatCore } from '@ticketing/seat-core';

/** An event with rows of a hundred seats. @returns the ids of all its seats */
export async function makeHall(
  servers: { readonly databaseUrl: string; readonly redisUrl: string },
  rows: number,
): Promise<string[]> {
  await using core = await openSeatCore(servers);
  const price = { amount: 150_000, currency: 'IDR' };
  const event = await core.createEvent({
    name: 'Konser',
    venue: 'Istora',
    startsAt: new Date(Date.now() + 86_400_000),
    sections: [
      {
        name: 'Tribun',
        price,
        rows: Array.from({ length: rows }, (_, index) => ({ name: `R${index}`, seats: 100 })),
      },
    ],
  });
  const database = openDatabase({ databaseUrl: servers.databaseUrl, poolMax: 1 });
  try {
    const seats = await database.$client.query<{ id: string }>('select id from seats where event_id = $1', [
      event.id,
    ]);
    return seats.rows.map(({ id }) => id);
  } finally {
    await database.$client.end();
  }
}
