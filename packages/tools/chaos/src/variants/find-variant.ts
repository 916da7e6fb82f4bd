import { variants } from './variants.ts';
import type { Variant } from './variant.ts';

export function findVariant(name: string): Variant {
  const found = variants.find((variant) => variant.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `There is no variant "${name}"; there are ${variants.map((variant) => variant.name).join(', ')}.`,
  );
}
