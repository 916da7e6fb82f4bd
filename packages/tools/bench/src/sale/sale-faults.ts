import { setTimeout as delay } from 'node:timers/promises';
import { withRedis } from '@ticketing/testkit';
import type { SaleServices } from './sale-services.ts';

/** Something that happened to the engine. */
export interface SaleFault {
  readonly mark: 'K' | 'R' | 'F';
  readonly title: string;
  readonly atSecond: number;
}

/** When this share of the seats is sold. */
const killAtShare = 0.4;
const flushAtShare = 0.6;
/** As an orchestrator takes to notice. */
const deadMs = 1_000;

/** Kills one booking-api and starts it again; later empties Redis. */
export class SaleFaults {
  readonly faults: SaleFault[] = [];
  readonly #services: SaleServices;
  readonly #seats: number;
  readonly #seconds: () => number;
  readonly #running: Promise<void>[] = [];

  constructor(services: SaleServices, seats: number, seconds: () => number) {
    this.#services = services;
    this.#seats = seats;
    this.#seconds = seconds;
  }

  /** Called with the number of seats sold so far, after each one. */
  soldSoFar(sold: number): void {
    if (sold === Math.ceil(this.#seats * killAtShare)) this.#run(() => this.#killAndRevive());
    if (sold === Math.ceil(this.#seats * flushAtShare)) this.#run(() => this.#flush());
  }

  /** Waits until every process runs again. @throws when a fault could not be injected */
  async healed(): Promise<void> {
    await Promise.all(this.#running);
  }

  #run(fault: () => Promise<void>): void {
    const running = fault();
    // `healed` reports the error.
    running.catch(() => undefined);
    this.#running.push(running);
  }

  async #killAndRevive(): Promise<void> {
    const bookingApi = this.#services.all.find(({ name }) => name === 'booking-api')!;
    await bookingApi.kill();
    this.#note('K', 'SIGKILL of one of two booking-api');
    await delay(deadMs);
    await bookingApi.revive();
    this.#note('R', 'it is ready again');
  }

  async #flush(): Promise<void> {
    const keys = await withRedis(this.#services.stack.redisUrl, async (redis) => {
      const count = await redis.dbsize();
      await redis.flushall();
      return count;
    });
    this.#note('F', `FLUSHALL of Redis, ${keys} keys`);
  }

  #note(mark: SaleFault['mark'], title: string): void {
    this.faults.push({ mark, title, atSecond: this.#seconds() });
  }
}
