import { runMigrations } from '@ticketing/seat-core/admin';
import { createEvent, shuffle } from '../rig/event.ts';
import type { Rig, Server } from '../rig/rig.ts';
import { createDatabase } from '../rig/stores.ts';
import type { Effort, Figure } from './figure.ts';
import { requestFigure, type PreparedRequests } from './measure-load.ts';

interface GrownDatabase {
  readonly databaseUrl: string;
  readonly services: readonly Server[];
  /** Some seats of each event. */
  readonly seatIds: readonly string[];
}

const events = 10;
/** How many seats of each event are booked and released. */
const sampledPerEvent = 2_000;

/** A database with ten events and this number of seats in all, and the processes that sell them. */
async function growDatabase(
  rig: Rig,
  name: string,
  seats: number,
  processes: number,
): Promise<GrownDatabase> {
  const databaseUrl = await createDatabase(rig.stack.databaseUrl, name);
  await runMigrations({ databaseUrl });
  const services: Server[] = [];
  while (services.length < processes) services.push(await rig.startService('booking-api', databaseUrl));
  const seatIds: string[] = [];
  for (let index = 0; index < events; index++) {
    const event = await createEvent(services[0]!.url, databaseUrl, seats / events);
    const step = Math.max(1, Math.floor(event.seatIds.length / sampledPerEvent));
    seatIds.push(...event.seatIds.filter((_, seat) => seat % step === 0));
  }
  return { databaseUrl, services, seatIds };
}

/**
 * Bookings among more and more seats. Each booking is released, so that a thousand seats last as long as a million and
 * all sizes do the same; the rate is of bookings, with as many releases beside them.
 */
function growth(name: string, title: string, seats: number, processes = 1): Figure {
  const grown = new WeakMap<Rig, Promise<GrownDatabase>>();
  const prepare = async (rig: Rig, { scale }: Effort): Promise<PreparedRequests> => {
    const size = Math.max(1_000, Math.ceil(seats * scale));
    const growing = grown.get(rig) ?? growDatabase(rig, name.replace('-', '_'), size, processes);
    grown.set(rig, growing);
    const { databaseUrl, services, seatIds } = await growing;
    return {
      url: services.map(({ url }) => url),
      pids: services.map(({ pid }) => pid),
      databaseUrl,
      script: { kind: 'book-and-release', seatIds: shuffle(seatIds) },
    };
  };
  return {
    ...requestFigure(name, title, ['201', '200'], prepare, 'bookings'),
    keptDatabase: async (rig) => (await grown.get(rig)!).databaseUrl,
  };
}

export const growthFigures = [
  growth('growth-1k', 'book and release among 1,000 seats', 1_000),
  growth('growth-100k', 'book and release among 100,000 seats', 100_000),
  growth('growth-1m', 'book and release among 1,000,000 seats', 1_000_000),
  growth('growth-two', 'the same among 100,000, two processes', 100_000, 2),
];
