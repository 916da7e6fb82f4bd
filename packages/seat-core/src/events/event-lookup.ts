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
  readonly #idsPerStatement: number;
  #running: Promise<unknown> = Promise.resolve();
  #nextBatch: Batch<Row> | undefined;

  /** @param idsPerStatement the most; the next look-up gets the statement after */
  constructor(read: (ids: readonly string[]) => Promise<readonly Row[]>, idsPerStatement: number) {
    this.#read = read;
    this.#idsPerStatement = idsPerStatement;
  }

  /** @returns undefined when there is none */
  async find(id: string): Promise<Row | undefined> {
    if (this.#unknown.has(id)) return undefined;
    const batch = (this.#nextBatch ??= this.#startBatch());
    batch.ids.add(id);
    if (batch.ids.size === this.#idsPerStatement) this.#nextBatch = undefined;
    const row = (await batch.rows).get(id);
    if (row === undefined) this.#unknown.set(id, true);
    return row;
  }

  #startBatch(): Batch<Row> {
    const ids = new Set<string>();
    const before = this.#running;
    const readAll = async () => {
      // Its failure goes to its own callers.
      await before.catch(() => undefined);
      // A full batch is no longer the next one.
      if (this.#nextBatch?.ids === ids) this.#nextBatch = undefined;
      const rows = await this.#read([...ids]);
      return new Map(rows.map((row) => [row.id, row]));
    };
    const rows = readAll();
    this.#running = rows;
    return { ids, rows };
  }
}
