import { sentences } from '../faults/sentences.ts';
import { ServiceFault } from '../faults/service-fault.ts';

/** What a token can let its owner do beside what everybody may. `admin` may do all of it. */
export const roles = ['organizer', 'payments', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Who sent a request, as far as that is proven. */
export interface Caller {
  /** Null while authentication is off, and on public routes. */
  readonly userId: string | null;
  readonly roles: ReadonlySet<Role>;
}

export function hasRole(caller: Caller, role: Role): boolean {
  return caller.roles.has(role) || caller.roles.has('admin');
}

/**
 * The user that a request is about: the one who proved to be it, or, while authentication is off, the one that
 * it names.
 *
 * @param sent the `userId` of the body or the query
 * @throws ServiceFault when it is missing, or is sent beside a token
 */
export function userIdOf({ userId }: Caller, sent: string | undefined): string {
  if (userId === null && sent !== undefined) return sent;
  if (userId !== null && sent === undefined) return userId;
  const sentence = userId === null ? sentences.memberRequired : sentences.userOfToken;
  throw new ServiceFault('VALIDATION_FAILED', [{ pointer: '/userId', sentence }]);
}

/** Restricts a verb of seat-core to the caller's own bookings, unless a role shows those of everybody. */
export function seenBy(caller: Caller): { readonly ownedBy?: string } {
  if (caller.userId === null || hasRole(caller, 'payments')) return {};
  return { ownedBy: caller.userId };
}
