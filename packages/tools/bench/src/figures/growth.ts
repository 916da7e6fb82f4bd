import { startPart } from '../parts/start-part.ts';
import { growDatabase, type GrownDatabase } from '../rig/growth-databases.ts';
import type { Rig } from '../rig/rig.ts';
import { shuffle } from '../rig/shuffle.ts';
import { countBookings, settleTables, untilQuiet } from '../rig/stores.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

/**
 * Bookings among more and more seats. Each booking is given back, so that a thousand seats last as long as a million,
 * and all sizes do the same: what counts is bookings, with as many releases beside them.
 */
function growth(name: string, title: string, seats: number, processes = 1): Figure {
  const grown = new WeakMap<Rig, Promise<GrownDatabase>>();
  return {
    name,
    title,
    keptDatabase: async (rig) => (await grown.get(rig)!).databaseUrl,
    measure: async (rig, effort) => {
      const size = Math.max(1_000, Math.ceil(seats * effort.scale));
      const making = grown.get(rig) ?? growDatabase(rig, name.replace('-', '_'), size, processes);
      grown.set(rig, making);
      const { databaseUrl, services, seatIds } = await making;
      await settleTables(databaseUrl);
      const script = { kind: 'book-and-release', seatIds: shuffle(seatIds) };
      const job = { ...effort, url: services.map(({ url }) => url), callers: 64, script };
      await using load = startPart('load-generator', job, rig.stack.folder);
      const measured = await measureLoad(
        rig,
        load,
        services.map(({ pid }) => pid),
      );
      await untilQuiet(databaseUrl);
      return toSample(measured, ['201', '200'], await countBookings(databaseUrl, measured.result));
    },
  };
}

export const growth1k = growth('growth-1k', 'book and release among 1,000 seats', 1_000);
export const growth100k = growth('growth-100k', 'book and release among 100,000 seats', 100_000);
export const growth1m = growth('growth-1m', 'book and release among 1,000,000 seats', 1_000_000);
export const growthTwo = growth('growth-two', 'the same among 100,000, two processes', 100_000, 2);
