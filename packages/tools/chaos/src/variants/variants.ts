import { holdStatementVariants } from './hold-statement-variants.ts';
import { holdVariants } from './hold-variants.ts';
import { storeVariants } from './store-variants.ts';
import { transitionVariants } from './transition-variants.ts';
import type { Variant } from './variant.ts';

/** Every known-bad engine that the checks must find. */
export const variants: readonly Variant[] = [
  ...holdStatementVariants,
  ...holdVariants,
  ...transitionVariants,
  ...storeVariants,
];

export function findVariant(name: string): Variant {
  const found = variants.find((variant) => variant.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `There is no variant "${name}". The variants are ${variants.map((one) => one.name).join(', ')}.`,
  );
}
