import { runMigrations } from '@ticketing/seat-core';
import type { RunningService } from '@ticketing/testkit';
import { openHall } from './hall.ts';
import type { Rig } from './rig.ts';
import { settleTables, withDatabase } from './stores.ts';

export interface GrownDatabase {
  readonly databaseUrl: string;
  readonly services: readonly RunningService[];
  /** Some seats of each event. */
  readonly seatIds: readonly string[];
}

const events = 10;
/** How many seats of each event are booked and given back. */
const sampledPerEvent = 2_000;

/** A database with ten events and so many seats in all, and the processes that sell them. */
export async function growDatabase(
  rig: Rig,
  name: string,
  seats: number,
  processes: number,
): Promise<GrownDatabase> {
  const url = new URL(rig.stack.databaseUrl);
  url.pathname = `/${name}`;
  await withDatabase(rig.stack.databaseUrl, (client) => client.query(`create database ${name}`));
  await runMigrations({ databaseUrl: url.href });
  const services: RunningService[] = [];
  while (services.length < processes) services.push(await rig.startService('booking-api', url.href));
  const seatIds: string[] = [];
  for (let event = 0; event < events; event++) {
    const hall = await openHall(services[0]!.url, url.href, seats / events);
    const step = Math.max(1, Math.floor(hall.seatIds.length / sampledPerEvent));
    seatIds.push(...hall.seatIds.filter((_, index) => index % step === 0));
  }
  await settleTables(url.href);
  return { databaseUrl: url.href, services, seatIds };
}
