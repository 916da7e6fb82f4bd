import { expect, it } from 'vitest';
import { EventLookup } from '../../src/events/event-lookup.ts';

/** A lookup whose reads the test ends. */
function lookupOf(known: readonly string[], idsPerStatement = 501) {
  const reads: { readonly ids: readonly string[]; readonly end: (error?: Error) => void }[] = [];
  const lookup = new EventLookup(
    (ids) =>
      new Promise<{ id: string }[]>((resolve, reject) => {
        const end = (error?: Error) => {
          if (error === undefined) resolve(ids.filter((id) => known.includes(id)).map((id) => ({ id })));
          else reject(error);
        };
        reads.push({ ids, end });
      }),
    idsPerStatement,
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { lookup, reads, turn };
}

it('look-ups at once share one read, and look-ups during a read share the next', async () => {
  const { lookup, reads, turn } = lookupOf(['a', 'z']);
  const first = [lookup.find('a'), lookup.find('b'), lookup.find('a')];
  await turn();
  const second = Array.from({ length: 500 }, (_, index) => lookup.find(`unknown-${index}`));
  second.push(lookup.find('z'));
  await turn();
  expect(reads.map(({ ids }) => ids)).toEqual([['a', 'b']]);
  reads[0]!.end();
  expect(await Promise.all(first)).toEqual([{ id: 'a' }, undefined, { id: 'a' }]);
  await turn();
  expect(reads).toHaveLength(2);
  expect(reads[1]!.ids).toHaveLength(501);
  reads[1]!.end();
  expect((await Promise.all(second)).filter((row) => row !== undefined)).toEqual([{ id: 'z' }]);
});

it('a second look-up of an unknown id causes no read', async () => {
  const { lookup, reads, turn } = lookupOf([]);
  const first = lookup.find('a');
  await turn();
  reads[0]!.end();
  await first;
  expect(await lookup.find('a')).toBeUndefined();
  expect(reads).toHaveLength(1);
});

it('a failed read fails its own look-ups, and the next one goes on', async () => {
  const { lookup, reads, turn } = lookupOf(['b']);
  const failing = lookup.find('a').catch((error: unknown) => error);
  await turn();
  const next = lookup.find('b');
  reads[0]!.end(new Error('down'));
  expect(await failing).toEqual(new Error('down'));
  await turn();
  reads[1]!.end();
  expect(await next).toEqual({ id: 'b' });
});

it('a read asks for a limited number of ids, and the next read for the others', async () => {
  const { lookup, reads, turn } = lookupOf(['a', 'b', 'c', 'd', 'e'], 2);
  const found = ['a', 'b', 'c', 'd', 'e'].map((id) => lookup.find(id));
  for (const ids of [['a', 'b'], ['c', 'd'], ['e']]) {
    await turn();
    expect(reads.at(-1)!.ids).toEqual(ids);
    reads.at(-1)!.end();
  }
  expect((await Promise.all(found)).map((row) => row?.id)).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(reads).toHaveLength(3);
});
