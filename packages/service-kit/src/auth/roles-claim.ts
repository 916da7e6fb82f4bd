import type { Logger } from 'pino';
import { roles, type Role } from './caller.ts';

/** Where identity providers commonly put roles: for the hint when JWT_ROLES_CLAIM names none. */
const commonClaims = ['roles', 'realm_access.roles', 'groups', 'cognito:groups', 'role', 'permissions'];

/**
 * Reads the roles of a token from the claim that JWT_ROLES_CLAIM names: a list of texts, or one text split at white space.
 * Any other value grants no role; the log says so once, by its type only.
 *
 * @param path the name of a claim, or names joined by dots; a name may itself hold dots, and the longest one that exists wins
 */
export function createRolesReader(
  path: string,
  logger: Logger,
): (claims: Readonly<Record<string, unknown>>) => ReadonlySet<Role> {
  const said = new Set<string>();
  const warnOnce = (what: string, members: object, message: string) => {
    if (said.has(what)) return;
    said.add(what);
    logger.warn({ claim: path, ...members }, message);
  };

  return (claims) => {
    const value = findClaim(claims, path);
    const named = namesIn(value);
    if (value === undefined) {
      const other = commonClaims.find((name) => (namesIn(findClaim(claims, name)) ?? []).length > 0);
      if (other !== undefined)
        warnOnce(
          'missing',
          { found: other },
          'tokens lack the claim of JWT_ROLES_CLAIM, and have another one',
        );
    } else if (named === undefined) {
      const type = typeNameOf(value);
      warnOnce(
        'type',
        { type },
        'the claim of JWT_ROLES_CLAIM is neither a list of texts nor a text: no role granted',
      );
    }
    return new Set(roles.filter((role) => named?.includes(role)));
  };
}

/** Own members of objects only: a claim named `constructor` is none that every object has. */
function findClaim(claims: unknown, path: string): unknown {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined;
  if (Object.hasOwn(claims, path)) return (claims as Record<string, unknown>)[path];
  for (let end = path.lastIndexOf('.'); end > 0; end = path.lastIndexOf('.', end - 1)) {
    const name = path.slice(0, end);
    if (!Object.hasOwn(claims, name)) continue;
    const found = findClaim((claims as Record<string, unknown>)[name], path.slice(end + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function namesIn(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return value.split(/\s+/).filter((name) => name !== '');
  return Array.isArray(value) && value.every((name) => typeof name === 'string') ? value : undefined;
}

function typeNameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list with other values than texts' : typeof value;
}
