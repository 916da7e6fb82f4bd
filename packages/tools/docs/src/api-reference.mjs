import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Application, ReflectionKind } from 'typedoc';

const tables = ['parameters', 'interfaceProperties', 'classProperties', 'propertyMembers', 'typeDeclaration'];
const hidden = ['Modifiers', 'Inherited', 'Overrides', 'Defaults', 'Values'];

/** For TypeDoc and its Markdown plugin: plain data becomes a table, a function or a class a section. */
const options = {
  plugin: ['typedoc-plugin-markdown'],
  logLevel: 'Error',
  // The compiler that builds the package has checked its types already.
  skipErrorChecking: true,
  sort: ['source-order'],
  groupOrder: ['Functions', 'Interfaces', 'Type Aliases', 'Classes', 'Variables', '*'],
  sortEntryPoints: false,
  readme: 'none',
  disableSources: true,
  excludeExternals: true,
  outputFileStrategy: 'modules',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  hideGroupHeadings: true,
  useCodeBlocks: true,
  ...Object.fromEntries(tables.map((subject) => [`${subject}Format`, 'table'])),
  tableColumnSettings: Object.fromEntries(hidden.map((column) => [`hide${column}`, true])),
};

/**
 * @param {string} folder of a package
 * @returns Markdown: the public names of each entry of its `exports`, with the docstrings of the sources
 */
export async function apiReference(folder) {
  const { name, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const entries = Object.entries(exports).filter(([, target]) => target?.source !== undefined);
  const output = mkdtempSync(join(tmpdir(), 'api-reference-'));
  try {
    const app = await Application.bootstrapWithPlugins({
      ...options,
      tsconfig: join(folder, 'tsconfig.json'),
      entryPoints: entries.map(([, { source }]) => join(folder, source)),
      outputs: [{ name: 'markdown', path: output }],
    });
    const project = await app.convert();
    if (project === undefined) throw new Error(`TypeDoc cannot read ${folder}`);
    for (const { parent, signatures = [] } of project.getReflectionsByKind(ReflectionKind.Constructor)) {
      // An error's constructor that is Error's own says nothing.
      if (signatures.some(({ inheritedFrom }) => inheritedFrom !== undefined))
        parent.groups = parent.groups.filter(({ title }) => title !== 'Constructors');
    }
    for (const [index, [entry]] of entries.entries()) project.children[index].name = join(name, entry);
    await app.generateOutputs(project);
    const pages = entries.map(([entry]) => readFileSync(join(output, `${join(name, entry)}.md`), 'utf8'));
    // In one document a link needs no file, a cell of a table no anchor, and a name one heading only.
    return pages
      .join('\n')
      .replaceAll(/^## .*\n\n(?=Re-exports )/gm, '')
      .replaceAll(/\]\([^)\s]*\.md(#[^)]*)\)/g, ']($1)')
      .replaceAll(/<a id="[^"]*"><\/a> /g, '');
  } finally {
    rmSync(output, { recursive: true });
  }
}
