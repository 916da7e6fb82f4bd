import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { exchange, handshakeOf, openLine } from './exchange.ts';
import { largestEvent } from './largest-event.ts';

export interface Target {
  /** The address of booking-api. */
  readonly url: string;
  /** The first is on sale. */
  readonly eventIds: readonly string[];
  /** Of the events that are posted. */
  readonly seats: number;
}

export interface Attack extends Target {
  /** Counts an outcome: a status, or how the connection ended. */
  readonly note: (outcome: string) => void;
}

const handshakeEvery = 50;
const slowReaders = 60;
const listReaders = 4;
const mapsAtOnce = 14;
const createdAtOnce = 12;

/** Each goes on until its thread ends. None needs a token, but for the events and bodies of an organizer. */
export const attacks = {
  'pipelined handshakes': async ({ url, eventIds, note }) => {
    const unknown = '01a2082d-747f-713a-9652-f2ba91487561';
    await repeat(handshakeEvery, (count) => {
      const eventId = count % 2 === 0 ? eventIds[0]! : unknown;
      const handshake = handshakeOf(url, `/api/v1/events/${eventId}/live`);
      const line = openLine(url, `GET /health/live HTTP/1.1\r\nHost: attack\r\n\r\n${handshake}`);
      line.resume();
      // The client has said all. A service that does not close its side keeps the descriptor.
      setTimeout(() => line.end(), 1_000);
      const timer = setTimeout(() => line.destroy(), 10_000);
      line.once('close', () => {
        clearTimeout(timer);
        note('closed');
      });
    });
  },

  'slow readers of maps': async (attack) => {
    await together(slowReaders, async (index) => {
      await delay(index * 250);
      // Others change seats meanwhile: each reader gets another version of the map.
      await repeat(1_000, () => readSlowly(attack, index));
    });
  },

  'live connections to every event': async ({ url, eventIds, note }) => {
    await together(eventIds.length, async (index) => {
      await repeat(2_000, async () => {
        const line = openLine(url, handshakeOf(url, `/api/v1/events/${eventIds[index]}/live`));
        line.once('data', (data) => note(statusIn(data)));
        line.resume();
        await once(line, 'close');
      });
    });
  },

  'lists of every event': async ({ url, eventIds, note }) => {
    const paths = [
      '/events?limit=100',
      '/seats/available?limit=100',
      ...eventIds.flatMap((id) => [`/events/${id}`, `/seats/available?limit=100&eventId=${id}`]),
    ];
    await together(listReaders, async (index) => {
      await repeat(20, async (count) => {
        const path = paths[(index + count * listReaders) % paths.length]!;
        note(await exchange({ url: `${url}/api/v1${path}` }));
      });
    });
  },

  'maps of many events at once': async ({ url, eventIds, note }) => {
    await repeat(3_000, async (count) => {
      const encoding = ['identity', 'gzip', 'br'][count % 3]!;
      await together(mapsAtOnce, async (index) => {
        const eventId = eventIds[(1 + index + count * mapsAtOnce) % eventIds.length]!;
        const headers = { 'accept-encoding': encoding };
        note(await exchange({ url: `${url}/api/v1/events/${eventId}/seats`, headers }));
      });
    });
  },

  'large events at once': async ({ url, seats, note }) => {
    const body = JSON.stringify(largestEvent(seats));
    await repeat(60_000, async () => {
      await together(createdAtOnce, async () => {
        note(await exchange({ url: `${url}/api/v1/events`, method: 'POST', body }));
      });
    });
  },

  'bodies of bad rows': async ({ url, note }) => {
    const manyRows = eventOf(1, 836_000 / 22, '');
    const longNames = eventOf(200, 25, 'x'.repeat(140));
    const longest = eventOf(200, 25, 'x'.repeat(3_100));
    await together(3, async (index) => {
      const body = [manyRows, longNames, longest][index]!;
      // The longest is seen by the event loop as long as twenty of the others.
      await repeat(index === 2 ? 2_000 : 100, async () => {
        note(await exchange({ url: `${url}/api/v1/events`, method: 'POST', body }));
      });
    });
  },
} as const satisfies Readonly<Record<string, (attack: Attack) => Promise<unknown>>>;

export type AttackName = keyof typeof attacks;

/** An event in which the seats of every row are bad. */
function eventOf(sections: number, rows: number, rowName: string): string {
  const badRows = Array.from({ length: rows }, () => ({ name: rowName, seats: 0 }));
  const section = { name: '', price: { amount: 1, currency: 'IDR' }, rows: badRows };
  return JSON.stringify({ ...largestEvent(0), sections: Array.from({ length: sections }, () => section) });
}

/** Reads a kilobyte a second until the service ends it: no limit of silence ever applies. */
async function readSlowly({ url, eventIds, note }: Attack, index: number): Promise<void> {
  const eventId = index % 4 === 3 ? eventIds[index % eventIds.length]! : eventIds[0]!;
  const host = new URL(url).host;
  const line = openLine(url, `GET /api/v1/events/${eventId}/seats HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  line.once('readable', () => {
    const start = line.read() as Buffer | null;
    if (start !== null) note(statusIn(start));
  });
  const reading = setInterval(() => void line.read(1_024), 1_000);
  await once(line, 'close');
  clearInterval(reading);
}

function statusIn(data: Buffer): string {
  return /^HTTP\/1\.1 (\d+)/.exec(data.toString('latin1', 0, 20))?.[1] ?? 'no answer';
}

/** For good, with a pause after each time. */
async function repeat(pauseMs: number, work: (count: number) => Promise<void> | void): Promise<never> {
  for (let count = 0; ; count += 1) {
    await work(count);
    await delay(pauseMs);
  }
}

async function together(count: number, work: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}
