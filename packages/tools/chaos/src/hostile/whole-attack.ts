/** The size of the attack by hand; half of the events are enough for `npm run test:faults`. */
export const wholeAttack = { events: 30, soldOut: 2, seats: 100_000, buyersPerSecond: 10 };
