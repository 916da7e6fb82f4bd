import type { InitializeHook, LoadHook, ResolveHook } from 'node:module';

/** Runs in Node's thread for module hooks. */
export interface HookData {
  /** The exports to replace, by the URL of their module. */
  readonly exportsOf: ReadonlyMap<string, { readonly module: string; readonly names: readonly string[] }>;
  readonly applyUrl: string;
}

const suffix = '?replaced';
let data: HookData;

export const initialize: InitializeHook<HookData> = (given) => {
  data = given;
};

/** Every importer of the module gets the wrapper; the wrapper itself gets the original. */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const resolved = await nextResolve(specifier, context);
  const isWrapped = data.exportsOf.has(resolved.url) && context.parentURL !== resolved.url + suffix;
  return isWrapped ? { ...resolved, url: resolved.url + suffix } : resolved;
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const original = url.slice(0, -suffix.length);
  const wrapped = url.endsWith(suffix) ? data.exportsOf.get(original) : undefined;
  if (wrapped === undefined) return nextLoad(url, context);
  const { module, names } = wrapped;
  const lines = names.map(
    (name) => `export const ${name} = applyReplacement('${module}', '${name}', original);`,
  );
  const source = `
    import * as original from '${original}';
    import { applyReplacement } from '${data.applyUrl}';
    export * from '${original}';
    ${lines.join('\n')}`;
  return { format: 'module', shortCircuit: true, source };
};
