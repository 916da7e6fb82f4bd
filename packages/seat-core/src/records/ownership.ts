import type { InputCheck } from '../validation.ts';

interface Anyone {
  readonly owner: 'anyone';
}

/**
 * Stands for the owner where any user's booking may be seen. An object and no text, because every visible text is a
 * valid user id: a user who is called "anyone" must not see the bookings of others.
 */
export const anyone: Anyone = Object.freeze({ owner: 'anyone' });

/** Whose booking may be seen: only that of the user with this id, or any. */
export type Owner = string | Anyone;

/**
 * Reads an owner. A caller without types may forget it: a missing owner is an error, never `anyone`.
 *
 * @returns as the statements take it: null restricts nothing
 */
export function checkOwner(check: InputCheck, owner: Owner): string | null {
  if (owner === anyone) return null;
  if (typeof owner === 'string') return check.userId('/ownedBy', owner);
  check.error('/ownedBy', 'must be a user id or `anyone`');
  return null;
}
