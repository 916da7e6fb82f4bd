interface AnsweredBooking {
  readonly id: string;
  readonly eventId: string;
  readonly userId: string;
  readonly seats: readonly {
    readonly id: string;
    readonly section: string;
    readonly row: string;
    readonly number: number;
  }[];
  readonly priceAmount: number;
  readonly createdAt: Date;
}

export const holdSeconds = 120;

/** The answer to a booking, in the shape of the services', so that a yardstick serializes as much as they do. */
export function bookingAnswer({ id, eventId, userId, seats, priceAmount, createdAt }: AnsweredBooking) {
  const price = { amount: priceAmount, currency: 'IDR' };
  return {
    id,
    eventId,
    userId,
    status: 'PENDING' as const,
    seats: seats.map((seat) => ({ ...seat, eventId, price, status: 'RESERVED' as const })),
    total: { amount: priceAmount * seats.length, currency: price.currency },
    createdAt: createdAt.toISOString(),
    expiresAt: new Date(createdAt.getTime() + holdSeconds * 1_000).toISOString(),
    expiresInSeconds: holdSeconds,
    confirmedAt: null,
  };
}
