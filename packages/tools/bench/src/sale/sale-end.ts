/**
 * The end of a sale, which ends the pauses of all buyers at once. Not an AbortSignal: adding a listener to one walks
 * through those that it has, and 30,000 buyers wait.
 */
export class SaleEnd {
  readonly #waiting = new Set<() => void>();
  #hasCome = false;

  get hasCome(): boolean {
    return this.#hasCome;
  }

  come(): void {
    this.#hasCome = true;
    for (const wake of this.#waiting) wake();
  }

  /** Waits for this time, or until the sale ends. */
  async pause(ms: number): Promise<void> {
    if (this.#hasCome) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }
}
