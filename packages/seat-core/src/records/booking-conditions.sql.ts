/**
 * Condition: the booking is PENDING. For statements that find a booking by its id or its user. The concatenation keeps
 * PostgreSQL from the index of all PENDING bookings by deadline: before the first ANALYZE it takes that index for a
 * short one, and would read thousands of holds for each booking.
 */
export const isPending = (booking: string): string => `${booking}.status || '' = 'PENDING'`;

/*
 * Deadlines by the clock of the database. The statement has a CTE `clock`: one reading for the whole statement, never
 * the clock of a process.
 */

export const isOverdue = (booking: string): string => `${booking}.expires_at <= (select at from clock)`;

export const isInTime = (booking: string): string => `${booking}.expires_at > (select at from clock)`;
