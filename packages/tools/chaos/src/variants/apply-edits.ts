import type { VariantEdit } from './variant.ts';

/**
 * Puts the mistake into a source.
 *
 * @throws when a text is not there exactly once: the engine has changed, and the variant must follow
 */
export function applyEdits(source: string, edits: readonly VariantEdit[]): string {
  let edited = source;
  for (const { file, find, replace } of edits) {
    const [before, after, ...more] = edited.split(find);
    if (before === undefined || after === undefined || more.length > 0) {
      const count = edited.split(find).length - 1;
      throw new Error(`"${find}" stands ${count} times in ${file}, not once.`);
    }
    edited = `${before}${replace}${after}`;
  }
  return edited;
}
