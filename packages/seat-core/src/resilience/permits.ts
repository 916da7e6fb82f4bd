/** More callers wait than may, or this one waited too long. */
export class NoPermitError extends Error {
  override readonly name = 'NoPermitError';
}

export interface PermitsOptions {
  /** How many callers may work at a time. */
  readonly size: number;
  /** How many may wait; one more is refused at once. */
  readonly maxWaiting: number;
  /** How long a caller may wait. */
  readonly maxWaitMs: number;
}

/** Bounds how many callers do something at a time. The others wait in line, first come, first served. */
export class Permits {
  readonly #options: PermitsOptions;
  /** Each gets the permit of the caller before it; a Set keeps the order and lets a late one leave. */
  readonly #line = new Set<() => void>();
  #taken = 0;

  constructor(options: PermitsOptions) {
    this.#options = options;
  }

  /** How many callers wait. */
  get waiting(): number {
    return this.#line.size;
  }

  /**
   * @returns gives the permit back; calling it again does nothing
   * @throws NoPermitError
   */
  async take(): Promise<() => void> {
    const { size, maxWaiting } = this.#options;
    if (this.#taken < size) this.#taken += 1;
    else if (this.#line.size < maxWaiting) await this.#wait();
    else throw new NoPermitError(`${this.#line.size} callers wait already`);
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      const [next] = this.#line;
      if (next === undefined) this.#taken -= 1;
      else next();
    };
  }

  #wait(): Promise<void> {
    const { maxWaitMs } = this.#options;
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        this.#line.delete(enter);
      };
      const enter = () => {
        leave();
        resolve();
      };
      const timer = setTimeout(() => {
        leave();
        reject(new NoPermitError(`no permit within ${maxWaitMs} ms`));
      }, maxWaitMs);
      this.#line.add(enter);
    });
  }
}
