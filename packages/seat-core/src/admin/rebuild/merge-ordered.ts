/**
 * Walks two sequences in ascending order of their keys, and pairs the items with the same key.
 *
 * @param keyOf compared as text, as PostgreSQL orders UUIDs in lower case
 */
export async function* mergeOrdered<Left, Right>(
  left: AsyncIterator<Left>,
  right: AsyncIterator<Right>,
  keyOf: { readonly left: (item: Left) => string; readonly right: (item: Right) => string },
): AsyncGenerator<{ left: Left | undefined; right: Right | undefined }> {
  let [a, b] = [await left.next(), await right.next()];
  while (a.done !== true || b.done !== true) {
    const order =
      a.done === true ? 1 : b.done === true ? -1 : compare(keyOf.left(a.value), keyOf.right(b.value));
    yield {
      left: order <= 0 && a.done !== true ? a.value : undefined,
      right: order >= 0 && b.done !== true ? b.value : undefined,
    };
    if (order <= 0) a = await left.next();
    if (order >= 0) b = await right.next();
  }
}

/** Groups neighbours with the same key. */
export async function* groupOrdered<Item>(
  items: AsyncIterable<Item>,
  keyOf: (item: Item) => string,
): AsyncGenerator<[Item, ...Item[]]> {
  let group: [Item, ...Item[]] | undefined;
  for await (const item of items) {
    if (group !== undefined && keyOf(group[0]) === keyOf(item)) group.push(item);
    else {
      if (group !== undefined) yield group;
      group = [item];
    }
  }
  if (group !== undefined) yield group;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
