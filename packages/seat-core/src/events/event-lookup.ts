import { LRUCache } from 'lru-cache';

/** What does not exist may exist a second later; whoever asks again sooner is told the same. */
const unknownForMs = 1_000;

interface Gathered<Row> {
  readonly ids: Set<string>;
  readonly rows: Promise<ReadonlyMap<string, Row>>;
}

/**
 * Finds rows by id that are not known yet. Whoever asks while a statement is under way shares the next one with all
 * others who do: a flood of ids that do not exist costs one statement at a time, and not one each.
 */
export class EventLookup<Row extends { readonly id: string }> {
  readonly #read: (ids: readonly string[]) => Promise<readonly Row[]>;
  readonly #unknown = new LRUCache<string, true>({ max: 10_000, ttl: unknownForMs });
  #underWay: Promise<unknown> = Promise.resolve();
  #gathered: Gathered<Row> | undefined;

  constructor(read: (ids: readonly string[]) => Promise<readonly Row[]>) {
    this.#read = read;
  }

  /** @returns undefined when there is none */
  async find(id: string): Promise<Row | undefined> {
    if (this.#unknown.has(id)) return undefined;
    const gathered = (this.#gathered ??= this.#gather());
    gathered.ids.add(id);
    const row = (await gathered.rows).get(id);
    if (row === undefined) this.#unknown.set(id, true);
    return row;
  }

  #gather(): Gathered<Row> {
    const ids = new Set<string>();
    const readAll = async () => {
      // How the one before ended is told to those who asked for it.
      await this.#underWay.catch(() => undefined);
      this.#gathered = undefined;
      const rows = await this.#read([...ids]);
      return new Map(rows.map((row) => [row.id, row]));
    };
    const rows = readAll();
    this.#underWay = rows;
    return { ids, rows };
  }
}
