import { Shopper, type Purchase, type ShopperOptions } from './shopper.ts';

export interface CrowdOptions extends Omit<ShopperOptions, 'url' | 'paymentUrl' | 'address'> {
  readonly size: number;
  /** Whom they ask: the first shopper the first, and so on in turn. */
  readonly ways: readonly Pick<ShopperOptions, 'url' | 'paymentUrl'>[];
}

/** Shoppers at once, each with an address of its own, so that a gateway takes nobody for a flood. */
export class Crowd {
  readonly #shoppers: readonly Shopper[];

  constructor({ size, ways, ...options }: CrowdOptions) {
    this.#shoppers = Array.from(
      { length: size },
      (_, index) => new Shopper({ ...options, ...ways[index % ways.length]!, address: `203.0.113.${index}` }),
    );
  }

  /** Until the signal, or until there is no seat left to try. */
  async shop(stopping: AbortSignal = new AbortController().signal): Promise<void> {
    await Promise.all(this.#shoppers.map((shopper) => shopper.shop(stopping)));
  }

  get sold(): number {
    return this.#shoppers.reduce((total, { purchases }) => total + purchases.length, 0);
  }

  get purchases(): Purchase[] {
    return this.#shoppers.flatMap(({ purchases }) => purchases);
  }

  get failures(): string[] {
    return this.#shoppers.flatMap(({ failures }) => failures);
  }

  get retries(): string[] {
    return this.#shoppers.flatMap(({ retries }) => retries);
  }
}
