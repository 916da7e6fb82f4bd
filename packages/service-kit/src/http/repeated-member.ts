import { memberPointer } from '../problems/validation-errors.ts';

/** The texts of a JSON document, and the signs that its structure consists of. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;

/** An object has the names seen so far, a list the number of its current item. */
interface Container {
  readonly names: Set<string> | undefined;
  place: string;
  index: number;
}

/**
 * Finds a member that an object has twice. `JSON.parse` keeps the last of them, other readers the first: a proxy in front
 * may have judged another value than the one that is used.
 *
 * @param json a well-formed JSON document
 * @returns the JSON Pointer to the first such member, if there is one
 */
export function findRepeatedMember(json: string): string | undefined {
  const open: Container[] = [];
  let isNameNext = false;
  for (const [token] of json.matchAll(tokens)) {
    const container = open.at(-1);
    if (token === '{' || token === '[') {
      const names = token === '{' ? new Set<string>() : undefined;
      open.push({ names, place: '/0', index: 0 });
      isNameNext = names !== undefined;
    } else if (token === '}' || token === ']') {
      open.pop();
      isNameNext = false;
    } else if (token === ',' && container !== undefined) {
      isNameNext = container.names !== undefined;
      if (!isNameNext) container.place = `/${(container.index += 1)}`;
    } else if (isNameNext && container?.names !== undefined) {
      const name = JSON.parse(token) as string;
      container.place = memberPointer(name);
      if (container.names.has(name)) return open.map(({ place }) => place).join('');
      container.names.add(name);
      isNameNext = false;
    }
  }
  return undefined;
}
