import type { Dependency } from './circuit-breaker.ts';

/** A client that is reached through its circuit breaker. */
export class Guarded<Client> {
  /** For work that must be sent whatever the breaker says. */
  readonly client: Client;
  readonly #part: Dependency;

  constructor(client: Client, part: Dependency) {
    this.client = client;
    this.#part = part;
  }

  get isAway(): boolean {
    return this.#part.isAway;
  }

  /** @see Dependency.run */
  run<T>(work: (client: Client) => Promise<T>, limitMs?: number): Promise<T> {
    return this.#part.run(() => work(this.client), limitMs);
  }
}
