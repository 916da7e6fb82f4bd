import { findVariant } from './variants.ts';

const { replacements } = findVariant(process.env['CHAOS_VARIANT'] ?? '');
const pending = new Set(replacements);

/** Called by the module that the hook puts before an engine module. @throws when the engine has no such export */
export function applyReplacement(module: string, name: string, original: Record<string, unknown>): unknown {
  const replacement = replacements.find((one) => one.module === module && one.name === name);
  if (replacement === undefined || !(name in original)) throw new Error(`${module} exports no ${name}.`);
  pending.delete(replacement);
  return replacement.make(original[name] as never, original as never);
}

/** @throws when a module of the variant was not loaded with the engine */
export function expectAllApplied(): void {
  const names = [...pending].map(({ module, name }) => `${name} of ${module}`);
  if (names.length > 0) throw new Error(`The engine was loaded without ${names.join(' and ')}.`);
}
