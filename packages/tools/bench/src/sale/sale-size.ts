/** A time between two instants that a person takes, drawn evenly. In milliseconds. */
export type Pause = readonly [from: number, to: number];

export interface SaleSize {
  readonly seats: number;
  readonly buyers: number;
  /** All buyers arrive within this time. */
  readonly arrivalMs: number;
  readonly holdSeconds: number;
  /** A sale that lasts longer has failed; multiplied by DEADLINE_FACTOR. */
  readonly limitMs: number;
  readonly pauses: {
    /** From the map to the click. */
    readonly choosing: Pause;
    /** From the hold to the payment, or to letting go. */
    readonly paying: Pause;
    /** Until a buyer without a seat looks again. */
    readonly returning: Pause;
    /** Until a buyer to whom the map showed no free seat looks again. */
    readonly waiting: Pause;
  };
}

export const fullSale: SaleSize = {
  seats: 20_000,
  buyers: 30_000,
  arrivalMs: 30_000,
  holdSeconds: 15,
  limitMs: 240_000,
  pauses: {
    choosing: [500, 3_000],
    paying: [1_000, 6_000],
    returning: [1_000, 3_000],
    waiting: [3_000, 7_000],
  },
};

/** Shows that it works; too small for figures. */
export const quickSale: SaleSize = {
  seats: 1_000,
  buyers: 1_500,
  arrivalMs: 8_000,
  holdSeconds: 3,
  limitMs: 120_000,
  pauses: {
    choosing: [100, 600],
    paying: [200, 1_200],
    returning: [200, 600],
    waiting: [600, 1_400],
  },
};

/** Of the holds; the other half of the rest lapses. */
export const payingShare = 0.7;
export const releasingShare = 0.15;

/** Seats that a buyer clicks, one after the other, before he comes again. */
export const clicksPerVisit = 5;
