import { runMigrations } from '@ticketing/seat-core/admin';
import { createEvent, shuffle } from '../rig/event.ts';
import type { Rig, Server } from '../rig/rig.ts';
import { createDatabase } from '../rig/stores.ts';
import type { Effort, Figure } from './figure.ts';
import { requestFigure, type PreparedRequests } from './measure-load.ts';

interface GrownDatabase {
  readonly databaseUrl: string;
  readonly services: Server[];
  /** Some seats of each event. */
  readonly seatIds: readonly string[];
}

const events = 10;
/** How many seats of each event are booked and released. */
const sampledPerEvent = 2_000;

/** A database with ten events and this number of seats in all, and a process that sells them. */
async function growDatabase(rig: Rig, seats: number, scale: number): Promise<GrownDatabase> {
  const databaseUrl = await createDatabase(rig.stack.databaseUrl, `growth_${seats}`);
  await runMigrations({ databaseUrl });
  const service = await rig.startService('booking-api', databaseUrl);
  const seatIds: string[] = [];
  const perEvent = Math.max(1_000, Math.ceil(seats * scale)) / events;
  for (let index = 0; index < events; index++) {
    const event = await createEvent(service.url, databaseUrl, perEvent);
    const step = Math.max(1, Math.floor(event.seatIds.length / sampledPerEvent));
    seatIds.push(...event.seatIds.filter((_, seat) => seat % step === 0));
  }
  return { databaseUrl, services: [service], seatIds };
}

const grownOfRig = new WeakMap<Rig, Map<number, Promise<GrownDatabase>>>();

/** One database for each number of seats, from round to round. */
async function grownDatabase(rig: Rig, seats: number, scale: number): Promise<GrownDatabase> {
  const grown = grownOfRig.get(rig) ?? new Map<number, Promise<GrownDatabase>>();
  grownOfRig.set(rig, grown);
  const database = grown.get(seats) ?? growDatabase(rig, seats, scale);
  grown.set(seats, database);
  return database;
}

/**
 * Bookings among more and more seats. Each booking is released, so that a thousand seats last as long as a million and
 * all sizes do the same; the rate is of bookings, with as many releases beside them.
 */
function growth(name: string, title: string, seats: number, processes = 1): Figure {
  const prepare = async (rig: Rig, { scale }: Effort): Promise<PreparedRequests> => {
    const { databaseUrl, services, seatIds } = await grownDatabase(rig, seats, scale);
    while (services.length < processes) services.push(await rig.startService('booking-api', databaseUrl));
    const busy = services.slice(0, processes);
    return {
      url: busy.map(({ url }) => url),
      pids: busy.map(({ pid }) => pid),
      databaseUrl,
      script: { kind: 'book-and-release', seatIds: shuffle(seatIds) },
    };
  };
  return {
    ...requestFigure(name, title, ['201', '200'], prepare, 'bookings'),
    keptDatabase: async (rig) => (await grownOfRig.get(rig)!.get(seats)!).databaseUrl,
  };
}

export const growthFigures = [
  growth('growth-1k', 'book and release among 1,000 seats', 1_000),
  growth('growth-100k', 'book and release among 100,000 seats', 100_000),
  growth('growth-two', 'the same among 100,000, two processes', 100_000, 2),
  growth('growth-four', 'the same among 100,000, four processes', 100_000, 4),
  growth('growth-1m', 'book and release among 1,000,000 seats', 1_000_000),
];
