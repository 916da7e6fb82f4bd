/**
 * That a booking is PENDING, for statements that find it by its id or its user: said so that PostgreSQL cannot tell
 * that the index of all PENDING bookings by deadline would serve as well. Before the first ANALYZE it takes that one for
 * a short one, and would read thousands of holds for each booking.
 */
export const isPending = (booking: string): string => `${booking}.status || '' = 'PENDING'`;
