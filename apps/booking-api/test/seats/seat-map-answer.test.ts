import { setImmediate as nextTurn } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Seat, SeatCore, SeatMap } from '@ticketing/seat-core';
import { describe, expect, it } from 'vitest';
import { SeatMapAnswers } from '../../src/answers/seat-map-answer.ts';
import { serializeSeatMap } from '../../src/answers/seat-map-json.ts';

const eventId = '01a2082d-747f-713a-9652-f2ba91487561';

function mapOf(seatCount: number): SeatMap {
  const seats = Array.from({ length: seatCount }, (_, index): Seat => ({
    id: `01a2082d-7486-721a-9bc4-${String(index).padStart(12, '0')}`,
    eventId,
    section: 'Tribün',
    row: 'A',
    number: index + 1,
    price: { amount: 150_000, currency: 'IDR' },
    status: 'AVAILABLE',
  }));
  return { eventId, version: 0, asOf: new Date('2026-11-23T11:32:40.000Z'), seats };
}

/** The next version, in which the seats at these indexes changed. */
function change(map: SeatMap, indexes: readonly number[], status: Seat['status']): SeatMap {
  const seats = map.seats.with(0, map.seats[0]!);
  for (const index of indexes) seats[index] = { ...seats[index]!, status };
  return { ...map, version: map.version + indexes.length, seats };
}

/** Answers from maps that the test sets, with turns and memory for all. */
function openAnswers(first: SeatMap) {
  const core = { map: first };
  const bulk = {
    turns: { run: (_kind: string, work: () => unknown) => work() },
    memory: { keep: () => undefined, touch: () => undefined, free: () => undefined },
  } as unknown as SeatCore['bulk'];
  const answers = new SeatMapAnswers({ getSeatMap: () => Promise.resolve(core.map), bulk });
  return { core, get: () => answers.get({ eventId }) };
}

describe('serializeSeatMap', () => {
  it('writes a map as JSON.stringify does, with and without a previous version', async () => {
    // More than two slices, and a text with a letter of two bytes.
    let map = mapOf(11_001);
    let json = await serializeSeatMap(map);
    expect(json.bytes.equals(Buffer.from(JSON.stringify(map)))).toBe(true);
    const changes = [
      [[0], 'RESERVED'],
      [[], 'SOLD'],
      [[0, 1, 2], 'SOLD'],
      [[4_999, 5_000, 9_999, 10_000, 11_000], 'RESERVED'],
      [[...Array(500).keys(), 5_000], 'AVAILABLE'],
    ] as const;
    for (const [indexes, status] of changes) {
      map = change(map, indexes, status);
      json = await serializeSeatMap(map, json);
      expect(json.bytes.equals(Buffer.from(JSON.stringify(map)))).toBe(true);
    }
  });

  it('writes a map without seats', async () => {
    const { bytes } = await serializeSeatMap(mapOf(0));
    expect(bytes.toString()).toBe(JSON.stringify(mapOf(0)));
  });

  it('copies the text of seats that kept their object, and serializes the others only', async () => {
    let serialized = 0;
    const counted = mapOf(100);
    const seats = counted.seats.map((seat) => ({
      ...seat,
      toJSON: () => {
        serialized += 1;
        return seat;
      },
    }));
    const map = { ...counted, seats };
    const json = await serializeSeatMap(map);
    expect(serialized).toBe(100);
    await serializeSeatMap(change(map, [7], 'SOLD'), json);
    expect(serialized).toBe(101);
  });

  it('lets the event loop take a turn for each 5,000 seats while it serializes a map', async () => {
    const serializing = serializeSeatMap(mapOf(30_000));
    const done = new AbortController();
    void serializing.then(() => done.abort());
    let turns = 0;
    while (!done.signal.aborted) {
      await nextTurn();
      turns += 1;
    }
    expect(turns).toBeGreaterThanOrEqual(6);
  });
});

describe('SeatMapAnswers', () => {
  it('serializes and compresses a version of a map once, however many requests ask', async () => {
    const { get } = openAnswers(mapOf(50));
    const [answer, other] = await Promise.all([get(), get()]);
    expect(other).toBe(answer);
    const identity = await answer.as('identity');
    for (const encoding of ['identity', 'br', 'gzip'] as const)
      expect(await answer.as(encoding)).toBe(await answer.as(encoding));
    expect(brotliDecompressSync(await answer.as('br'))).toEqual(identity);
    expect(gunzipSync(await answer.as('gzip'))).toEqual(identity);
  });

  it('serializes nothing for a request that needs no body', async () => {
    const map = mapOf(50);
    const seats = map.seats.map((seat) => ({
      ...seat,
      toJSON: () => {
        throw new Error('serialized');
      },
    }));
    const { get } = openAnswers({ ...map, seats });
    const answer = await get();
    expect(answer.map.version).toBe(0);
    await expect(answer.as('identity')).rejects.toThrow('serialized');
  });

  it('answers the next version of a map as soon as it is read, in no mixture with the one before', async () => {
    const { core, get } = openAnswers(mapOf(50));
    const before = await get();
    await before.as('identity');
    core.map = change(core.map, [3, 4], 'SOLD');
    let after = await get();
    while (after === before) after = await get();
    expect(JSON.parse((await after.as('identity')).toString())).toEqual(JSON.parse(JSON.stringify(core.map)));
    expect(JSON.parse((await before.as('identity')).toString())).toMatchObject({ version: 0 });
  });
});
