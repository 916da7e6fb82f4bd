import type { EngineModule, EngineModules } from './engine-modules.ts';

/** An export of a module of seat-core, and what every other module of seat-core imports in its place. */
export interface Replacement {
  readonly module: EngineModule;
  readonly name: string;
  readonly make: (original: never, module: never) => unknown;
}

/** A constant of type `'select 1'` may be replaced by any other text. */
type Replaceable<T> = T extends string ? string : T;

/**
 * Inside its own module the original stays in use: replace only what another module imports.
 *
 * @param make takes the original and its module, and returns the export with the mistake
 */
export function replace<Module extends EngineModule, Name extends keyof EngineModules[Module] & string>(
  module: Module,
  name: Name,
  make: (
    original: EngineModules[Module][Name],
    module: EngineModules[Module],
  ) => Replaceable<EngineModules[Module][Name]>,
): Replacement {
  return { module, name, make };
}

/** @throws when the text does not stand in the statement exactly once: the statement has changed, and the mistake must follow */
export function editStatement<Statement extends { readonly name: string; readonly text: string }>(
  statement: Statement,
  edits: readonly { readonly find: string; readonly put: string }[],
): Statement {
  const text = edits.reduce((edited, { find, put }) => {
    const pieces = edited.split(find);
    if (pieces.length !== 2)
      throw new Error(`"${find}" stands ${pieces.length - 1} times in ${statement.name}.`);
    return pieces.join(put);
  }, statement.text);
  return { ...statement, text };
}
