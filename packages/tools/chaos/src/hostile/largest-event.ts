const sections = 200;
const seatsPerRow = 20;

/** The body of an event with as many sections and rows as an event may have. */
export function largestEvent(seats: number): object {
  const rows = Array.from({ length: Math.ceil(seats / sections / seatsPerRow) }, (_, index) => ({
    name: `R${index + 1}`,
    seats: seatsPerRow,
  }));
  return {
    name: 'Konser',
    venue: 'Gelora',
    startsAt: new Date(Date.now() + 86_400_000).toISOString(),
    sections: Array.from({ length: sections }, (_, index) => ({
      name: `Section ${index + 1}`,
      price: { amount: 15_000_000, currency: 'IDR' },
      rows,
    })),
  };
}
