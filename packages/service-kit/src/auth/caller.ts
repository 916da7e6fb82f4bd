import { HttpError, sentences } from '../problems/http-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route: `public` is every client, a role its owners and admins; by default every user. */
    access?: 'public' | Role;
  }
  interface FastifyRequest {
    /** Known before the body is read. */
    caller: Caller;
  }
}

/** The roles that a token can grant beyond the rights of every user. `admin` has the rights of all of them. */
export const roles = ['organizer', 'payments', 'admin'] as const;
export type Role = (typeof roles)[number];

/** The authenticated sender of a request. */
export interface Caller {
  /** Null while authentication is off, and on public routes. */
  readonly userId: string | null;
  readonly roles: ReadonlySet<Role>;
}

export function hasRole(caller: Caller, role: Role): boolean {
  return caller.roles.has(role) || caller.roles.has('admin');
}

/** Whether a verified token has one of the roles: its user speaks for many. */
export function isStaff({ userId, roles: granted }: Caller): boolean {
  return userId !== null && granted.size > 0;
}

/**
 * The user of a request: the user of its token, or, while authentication is off, the user that it names.
 *
 * @param sent the `userId` of the body or the query
 * @throws HttpError VALIDATION_FAILED when it is missing, or is sent beside a token
 */
export function userIdOf({ userId }: Caller, sent: string | undefined): string {
  if (userId === null && sent !== undefined) return sent;
  if (userId !== null && sent === undefined) return userId;
  const sentence = userId === null ? sentences.memberRequired : sentences.userOfToken;
  throw new HttpError('VALIDATION_FAILED', [{ pointer: '/userId', sentence }]);
}

/** The user whose bookings the caller may see; null when the caller may see every booking. */
export function seenBy(caller: Caller): string | null {
  return hasRole(caller, 'payments') ? null : caller.userId;
}
