import type { events } from '../postgres/schema.ts';
import type { SeatCounts, TicketedEvent } from '../types.ts';

export type EventRow = typeof events.$inferSelect;

/** An event as callers see it: without a moment of its own, the sales close when the event starts. */
export function toEventView(row: EventRow, seatCounts: SeatCounts): TicketedEvent {
  const { id, name, venue, startsAt, salesOpenAt, salesCloseAt, sections, sectionCount, createdAt } = row;
  return {
    id,
    name,
    venue,
    startsAt,
    salesOpenAt,
    salesCloseAt: salesCloseAt ?? startsAt,
    sections,
    sectionCount: sectionCount ?? sections.length,
    seatCounts,
    createdAt,
  };
}
