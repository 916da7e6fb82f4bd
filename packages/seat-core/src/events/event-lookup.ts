import { LRUCache } from 'lru-cache';

/** An unknown id may exist a second later; a look-up before that gets the same answer again. */
const unknownForMs = 1_000;

interface Batch<Row> {
  readonly ids: Set<string>;
  readonly rows: Promise<ReadonlyMap<string, Row>>;
}

/**
 * Finds rows by id. Look-ups that arrive while a statement is under way share the next one: a flood of unknown ids
 * costs one statement at a time, not one statement each.
 */
export class EventLookup<Row extends { readonly id: string }> {
  readonly #read: (ids: readonly string[]) => Promise<readonly Row[]>;
  readonly #unknown = new LRUCache<string, true>({ max: 10_000, ttl: unknownForMs });
  #running: Promise<unknown> = Promise.resolve();
  #nextBatch: Batch<Row> | undefined;

  constructor(read: (ids: readonly string[]) => Promise<readonly Row[]>) {
    this.#read = read;
  }

  /** @returns undefined when there is none */
  async find(id: string): Promise<Row | undefined> {
    if (this.#unknown.has(id)) return undefined;
    const batch = (this.#nextBatch ??= this.#startBatch());
    batch.ids.add(id);
    const row = (await batch.rows).get(id);
    if (row === undefined) this.#unknown.set(id, true);
    return row;
  }

  #startBatch(): Batch<Row> {
    const ids = new Set<string>();
    const readAll = async () => {
      // Its failure goes to its own callers.
      await this.#running.catch(() => undefined);
      this.#nextBatch = undefined;
      const rows = await this.#read([...ids]);
      return new Map(rows.map((row) => [row.id, row]));
    };
    const rows = readAll();
    this.#running = rows;
    return { ids, rows };
  }
}
