import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/*
 * The reference of a package, made from the declarations of its build: each public name with its docstring and its
 * declaration. The newest compiler has no interface for tools, so the declarations are read as the text they are: the
 * compiler writes them in one way only, and what does not look like that is an error here.
 */

/** @returns Markdown: a heading for each file that something is exported from, the names in the order of the index */
export function apiReference(indexFile) {
  const index = readFileSync(indexFile, 'utf8');
  const sections = [];
  for (const [, names, from] of index.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)';$/gm)) {
    const file = join(dirname(indexFile), from.replace(/\.(ts|js)$/, '.d.ts'));
    const source = readFileSync(file, 'utf8');
    for (const name of names.split(',').map((entry) => entry.replace(/\btype\b/, '').trim())) {
      if (name !== '') sections.push(describe(source, name, file));
    }
  }
  if (sections.length === 0) throw new Error(`${indexFile} exports nothing`);
  return sections.join('\n');
}

function describe(source, name, file) {
  const start = new RegExp(
    String.raw`^export (?:declare )?(?:abstract )?(function|interface|type|class|const) ${name}\b`,
    'm',
  ).exec(source);
  if (start === null) throw new Error(`${file} does not declare ${name}`);
  const before = source.slice(0, start.index);
  const doc = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(before)?.[1];
  const text = declaration(source.slice(start.index))
    .replace(/^export /, '')
    .replace(/^declare /, '')
    .replaceAll('    ', '  ');
  return [`### ${name}`, '', ...(doc === undefined ? [] : [prose(doc), '']), '```ts', text, '```', ''].join(
    '\n',
  );
}

/** Up to the end of the statement: the semicolon, or the brace of an interface or class, outside of all brackets. */
function declaration(text) {
  const isBlock = /^export (?:declare )?(?:abstract )?(?:interface|class)\b/.test(text);
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text.startsWith('/*', at)) at = text.indexOf('*/', at) + 1;
    else if (/["'`]/.test(text[at])) at = text.indexOf(text[at], at + 1);
    else if (/[{([]/.test(text[at])) depth += 1;
    else if (/[})\]]/.test(text[at])) depth -= 1;
    if (depth === 0 && (isBlock ? text[at] === '}' : text[at] === ';')) return text.slice(0, at + 1);
  }
  throw new Error(`no end of ${text.slice(0, 60)}`);
}

/** A docstring as Markdown: its lines joined, each tag a line of its own. */
function prose(doc) {
  const lines = doc.split('\n').map((line) => line.replace(/^\s*\*? ?/, '').trimEnd());
  return lines
    .join('\n')
    .trim()
    .replaceAll(/\s*@(\w+) ?/g, (_, tag) => `\n\n**${tag}** `)
    .trim();
}
