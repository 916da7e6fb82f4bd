/**
 * Refuses a body schema that would let unknown members through: JSON Schema allows them unless told
 * otherwise, and one forgotten `additionalProperties: false` would show only in production.
 *
 * @throws Error naming the place, when the service is built
 */
export function assertClosedObjects(schema: unknown, place = '#'): void {
  if (typeof schema !== 'object' || schema === null) return;
  const node = schema as Readonly<Record<string, unknown>>;
  if (node['properties'] !== undefined && node['additionalProperties'] === undefined) {
    throw new Error(`body schema ${place}: additionalProperties must be said, unknown members are refused`);
  }
  for (const [key, value] of Object.entries(node)) {
    // Below these lie data or names, not schemas.
    if (['default', 'enum', 'const', 'examples'].includes(key)) continue;
    if (key === 'properties') {
      for (const [name, member] of Object.entries(value as object)) {
        assertClosedObjects(member, `${place}/properties/${name}`);
      }
    } else if (Array.isArray(value)) {
      value.forEach((item, index) => assertClosedObjects(item, `${place}/${key}/${index}`));
    } else {
      assertClosedObjects(value, `${place}/${key}`);
    }
  }
}
