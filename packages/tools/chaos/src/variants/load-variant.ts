/*
 * Loaded into a service with `--import`. From here on Node resolves the modules of seat-core through the hook beside
 * this file, which replaces the exports that the variant in CHAOS_VARIANT names. The whole engine is loaded here, before
 * the service asks for it: a replacement that has no place in the engine ends the service.
 */
import { register } from 'node:module';
import { engineUrl } from './engine-modules.ts';
import type { HookData } from './module-hook.ts';
import { findVariant } from './variants.ts';

const exportsOf = new Map<string, { module: string; names: string[] }>();
for (const { module, name } of findVariant(process.env['CHAOS_VARIANT'] ?? '').replacements) {
  const url = engineUrl(module);
  const names = exportsOf.get(url)?.names ?? [];
  exportsOf.set(url, { module, names: [...names, name] });
}
const data: HookData = { exportsOf, applyUrl: new URL('apply-replacement.js', import.meta.url).href };
register('./module-hook.js', { parentURL: import.meta.url, data });

await import('@ticketing/seat-core');
const { expectAllApplied } = await import('./apply-replacement.ts');
expectAllApplied();
