import { createSeatCore } from '@ticketing/seat-core';
import { closeRedis, openDatabase, openRedis } from '@ticketing/seat-core/clients';
import { eventWith, readSeatIds } from '../rig/event.ts';
import type { HeldSeat } from './of-29-november/hold.ts';

/** The engine as it is, without HTTP: what one commit costs PostgreSQL can be read from its connections. */
export interface CurrentEngine extends AsyncDisposable {
  /** Adds an event with this number of seats. @returns their ids */
  readonly addEvent: (seats: number) => Promise<string[]>;
  /** Books these seats, each for a buyer of its own, at the same moment: the engine shares commits as it does. */
  readonly hold: (seats: readonly HeldSeat[]) => Promise<void>;
}

/** Of the engine's connections in `pg_stat_activity`. */
export const currentEngineName = 'bench-current-engine';

export async function openCurrentEngine(databaseUrl: string, redisUrl: string): Promise<CurrentEngine> {
  const database = openDatabase({ databaseUrl, poolMax: 4, applicationName: currentEngineName });
  // The engine plans anew each second, for tables that fill. Here they are full from the start.
  database.$client.removeAllListeners('acquire');
  const redis = await openRedis({ redisUrl });
  const core = createSeatCore({ database, redis });
  // Its lanes share the one connection that the yardstick has, too: a second one would plan, and warm its caches, apart.
  database.$client.options.max = 1;
  return {
    addEvent: async (seats) => readSeatIds(databaseUrl, (await core.createEvent(eventWith(seats))).id),
    hold: async (seats) => {
      const held = seats.map(async ({ seatId, userId }) =>
        core.holdSeats({ seatIds: [seatId], userId, requestId: `of-${userId}` }),
      );
      await Promise.all(held);
    },
    [Symbol.asyncDispose]: async () => {
      await core[Symbol.asyncDispose]();
      await closeRedis(redis);
      await database.$client.end();
    },
  };
}
