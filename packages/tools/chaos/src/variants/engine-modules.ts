/*
 * The types of the private modules of seat-core that a known-bad engine changes. The `exports` of seat-core hide these
 * modules from every importer, and that stays so: this file imports types only, which the compiler erases, by the one
 * relative path into another package that the lint rules allow. A module or an export that is renamed breaks the build
 * of chaos.
 */
import type * as commitHolds from '../../../../seat-core/src/hold/commit-holds.ts';
import type * as holdFreeSeatsSql from '../../../../seat-core/src/hold/hold-free-seats.sql.ts';
import type * as holdSeatsSql from '../../../../seat-core/src/hold/hold-seats.sql.ts';
import type * as confirmBooking from '../../../../seat-core/src/bookings/confirm-booking.ts';
import type * as findBooking from '../../../../seat-core/src/records/find-booking.ts';
import type * as expireBookings from '../../../../seat-core/src/expiry/expire-bookings.ts';
import type * as bookingConditions from '../../../../seat-core/src/records/booking-conditions.sql.ts';
import type * as connections from '../../../../seat-core/src/postgres/connections.ts';
import type * as statement from '../../../../seat-core/src/postgres/statement.ts';
import type * as errorMapping from '../../../../seat-core/src/postgres/error-mapping.ts';
import type * as gatekeeper from '../../../../seat-core/src/redis/gatekeeper.ts';
import type * as compareAndDelete from '../../../../seat-core/src/redis/compare-and-delete.ts';

/** Each module by its path in the built engine, without its ending. */
export interface EngineModules {
  'hold/commit-holds': typeof commitHolds;
  'hold/hold-free-seats.sql': typeof holdFreeSeatsSql;
  'hold/hold-seats.sql': typeof holdSeatsSql;
  'bookings/confirm-booking': typeof confirmBooking;
  'records/find-booking': typeof findBooking;
  'expiry/expire-bookings': typeof expireBookings;
  'records/booking-conditions.sql': typeof bookingConditions;
  'postgres/connections': typeof connections;
  'postgres/statement': typeof statement;
  'postgres/error-mapping': typeof errorMapping;
  'redis/gatekeeper': typeof gatekeeper;
  'redis/compare-and-delete': typeof compareAndDelete;
}

export type EngineModule = keyof EngineModules;

/** Where Node finds a module of the built engine. */
export function engineUrl(module: EngineModule): string {
  return new URL(`${module}.js`, import.meta.resolve('@ticketing/seat-core')).href;
}

/** A module of the engine, for a mistake that calls it. Only inside a service that runs a known-bad engine. */
export async function engineModule<Module extends EngineModule>(
  module: Module,
): Promise<EngineModules[Module]> {
  return (await import(engineUrl(module))) as EngineModules[Module];
}
