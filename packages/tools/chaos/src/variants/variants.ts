import { batchVariants } from './batch-variants.ts';
import { cacheVariants } from './cache-variants.ts';
import { clockVariants } from './clock-variants.ts';
import { durabilityVariants } from './durability-variants.ts';
import { keyVariants } from './key-variants.ts';
import { statementVariants } from './statement-variants.ts';
import type { Variant } from './variant.ts';

/** Every known-bad engine that the checks must find. */
export const variants: readonly Variant[] = [
  ...statementVariants,
  ...batchVariants,
  ...keyVariants,
  ...clockVariants,
  ...cacheVariants,
  ...durabilityVariants,
];
