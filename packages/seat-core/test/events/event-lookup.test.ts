import { expect, it } from 'vitest';
import { EventLookup } from '../../src/events/event-lookup.ts';

/** Answers when it is told to, as a database that is busy does. */
function lookupOf(known: readonly string[]) {
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
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { lookup, reads, turn };
}

it('reads once for all who ask together, and once for all who ask meanwhile', async () => {
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

it('does not ask again at once for what does not exist', async () => {
  const { lookup, reads, turn } = lookupOf([]);
  const asked = lookup.find('a');
  await turn();
  reads[0]!.end();
  await asked;
  expect(await lookup.find('a')).toBeUndefined();
  expect(reads).toHaveLength(1);
});

it('tells a failure to those who asked, and goes on for those who come after', async () => {
  const { lookup, reads, turn } = lookupOf(['b']);
  const failing = lookup.find('a').catch((error: unknown) => error);
  await turn();
  const next = lookup.find('b');
  reads[0]!.end(new Error('away'));
  expect(await failing).toEqual(new Error('away'));
  await turn();
  reads[1]!.end();
  expect(await next).toEqual({ id: 'b' });
});
