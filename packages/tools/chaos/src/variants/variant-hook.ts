import type { LoadHook } from 'node:module';
import { applyEdits } from './apply-edits.ts';
import { findVariant } from './find-variant.ts';

const { edits } = findVariant(process.env['CHAOS_VARIANT'] ?? '');

/** Called by Node for each module; throws where a text has moved, and the service does not start. */
export const load: LoadHook = async (url, context, nextLoad) => {
  const mine = edits.filter(({ file }) => url.endsWith(`/${file}`));
  const loaded = await nextLoad(url, context);
  if (mine.length === 0) return loaded;
  const { source } = loaded;
  if (source === undefined || source === null) throw new Error(`${url} was loaded without its source.`);
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
  return { ...loaded, source: applyEdits(text, mine) };
};
