import type { ErrorObject } from 'ajv';

/**
 * Ajv reports the faults of every branch of a union. Keeps those of the branch that was most likely
 * meant: the one whose members fit best, then the one with the fewest faults. A union of constants
 * becomes one fault that lists them.
 */
export function pickUnionBranch(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const union = errors.find((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf');
  if (union === undefined) return errors;

  const branches = new Map<string, ErrorObject[]>();
  const others: ErrorObject[] = [];
  for (const error of errors) {
    if (error === union) continue;
    const rest = error.schemaPath.startsWith(`${union.schemaPath}/`)
      ? error.schemaPath.slice(union.schemaPath.length + 1)
      : undefined;
    const branch = rest?.split('/')[0];
    // The same union may be broken at several places of an array: only this place is meant.
    if (branch === undefined || !isWithin(error.instancePath, union.instancePath)) others.push(error);
    else branches.set(branch, [...(branches.get(branch) ?? []), error]);
  }

  const candidates = [...branches.values()];
  if (candidates.length === 0) return [...pickUnionBranch(others), { ...union, keyword: 'union' }];
  const constants = candidates.flat();
  if (constants.every((error) => error.keyword === 'const' && error.instancePath === union.instancePath)) {
    const allowedValues = constants.map((error) => error.params['allowedValue'] as unknown);
    return [...pickUnionBranch(others), { ...union, keyword: 'enum', params: { allowedValues } }];
  }
  const best = candidates.toSorted((a, b) => misfits(a) - misfits(b) || a.length - b.length)[0] ?? [];
  return [...pickUnionBranch(others), ...pickUnionBranch(best)];
}

function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(`${ancestor}/`);
}

function misfits(errors: readonly ErrorObject[]): number {
  return errors.filter(({ keyword }) => ['required', 'additionalProperties', 'type'].includes(keyword))
    .length;
}
