import { createPrivateStack, makeEvent, signToken, claimsOf, startService } from '@ticketing/testkit';
import { holdInBulk } from '../rig/bulk-holds.ts';
import { vacuumTables } from '../rig/stores.ts';

const secret = 'of a measurement that ends with its servers';
const bearer = (...roles: string[]) => `Bearer ${signToken(claimsOf('ani', ...roles), { key: secret })}`;

export interface Crowd extends AsyncDisposable {
  readonly urls: Readonly<Record<'booking-api' | 'payment-api', string>>;
  readonly pids: Readonly<Record<'booking-api' | 'payment-api' | 'postgresql', number>>;
  /** The largest event. Half of its seats are held. */
  readonly eventId: string;
  readonly organizer: string;
  /** Holds one more seat of the event. */
  readonly changeSeat: () => Promise<void>;
}

export interface CrowdSize {
  /** Seats of the largest event, at most 100,000. */
  readonly seats: number;
  /** Further events, with as many sections and few seats. */
  readonly otherEvents: number;
}

const sections = 200;

function eventOf(seats: number, rowName = 'R'): object {
  const rowsOfSection = Math.ceil(seats / sections / 20);
  const rows = Array.from({ length: rowsOfSection }, (_, index) => ({
    name: `${rowName}${index + 1}`,
    seats: Math.min(20, Math.ceil(seats / sections)),
  }));
  return {
    name: 'Konser',
    venue: 'Gelora',
    startsAt: '2040-01-01T20:00:00Z',
    sections: Array.from({ length: sections }, (_, index) => ({
      name: `Section ${index + 1}`,
      price: { amount: 15_000_000, currency: 'IDR' },
      rows,
    })),
  };
}

export const withLargestBody = {
  /** 16 KiB, all of it refused. */
  hold: JSON.stringify({ seatIds: Array.from({ length: 2_700 }, () => 'bad') }),
  /** 16 MiB: every name of its 5,000 rows is too long. */
  badEvent: JSON.stringify(eventOf(100_000, 'x'.repeat(3_100))),
  event: JSON.stringify(eventOf(100_000)),
};

/** Both APIs with authentication on and nothing else to do, on servers of their own. */
export async function gatherCrowd(size: CrowdSize, folder?: string): Promise<Crowd> {
  const options = folder === undefined ? {} : { folder };
  const stack = await createPrivateStack(options);
  const env = {
    DATABASE_URL: stack.serviceUrl,
    REDIS_URL: stack.redisUrl,
    JWT_SECRET: secret,
    RATE_LIMIT_MAX: '100000',
    LOG_LEVEL: 'info',
  };
  const bookingApi = await startService('booking-api', env, options);
  const paymentApi = await startService('payment-api', env, options);
  const organizer = bearer('organizer');
  const maker = { url: bookingApi.url, headers: { authorization: organizer } };
  for (let index = 0; index < size.otherEvents; index += 1) await makeEvent(maker, eventOf(sections));
  const { eventId, seatIds } = await makeEvent(maker, eventOf(size.seats));
  const half = Math.floor(seatIds.length / 2);
  const inAnHour = new Date(Date.now() + 3_600_000);
  await holdInBulk(stack.databaseUrl, eventId, seatIds.slice(0, half), inAnHour);
  await vacuumTables(stack.databaseUrl);
  let next = half;
  return {
    urls: { 'booking-api': bookingApi.url, 'payment-api': paymentApi.url },
    pids: { 'booking-api': bookingApi.pid, 'payment-api': paymentApi.pid, postgresql: stack.postgres.pid() },
    eventId,
    organizer,
    changeSeat: async () => {
      const buyer = `Bearer ${signToken(claimsOf(`buyer-${next}`), { key: secret })}`;
      const response = await fetch(`${bookingApi.url}/api/v1/booking`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: buyer },
        body: JSON.stringify({ seatId: seatIds[next] }),
      });
      next += 1;
      if (response.status !== 201) throw new Error(`No seat was held: ${await response.text()}`);
    },
    [Symbol.asyncDispose]: async () => {
      await bookingApi[Symbol.asyncDispose]();
      await paymentApi[Symbol.asyncDispose]();
      await stack.dispose();
    },
  };
}
