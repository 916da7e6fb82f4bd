/**
 * Stands for the owner where any user's booking may be seen. A symbol and no text, because every visible text is a
 * valid user id: a user who is called "anyone" must not see the bookings of others.
 */
export const anyone: unique symbol = Symbol('anyone');

/** Whose booking may be seen: the user's own only, or any. */
export type Owner = string | typeof anyone;

/** As the statements take it: null restricts nothing. */
export function toOwnerParameter(owner: Owner): string | null {
  return owner === anyone ? null : owner;
}
