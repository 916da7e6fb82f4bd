import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import GithubSlugger from 'github-slugger';
import { marked } from 'marked';

export const root = fileURLToPath(new URL('../../../..', import.meta.url));

const ignored = new Set(['node_modules', 'dist', '.git', '.data', '.turbo', 'pnpm-lock.yaml']);
const generated = /(^|\/)(API\.md|\.env\.example)$|^docs\/openapi\/|^infra\/gateway\/problem|\/migrations\//;

/** Whether the whole file is generated. A document with markers is generated between them only. */
export const isGenerated = (file) => generated.test(file);

/** @returns {Generator<string>} every file of the repository, by its path from `base` on */
export function* listFiles(base, folder = base) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (ignored.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* listFiles(base, path);
    else yield relative(base, path);
  }
}

export function readDocuments(base) {
  return [...listFiles(base)].filter((file) => file.endsWith('.md')).map((file) => readDocument(base, file));
}

/** A parsed Markdown document. `inline` holds its links and its code spans, in their order. */
export function readDocument(base, file) {
  const text = readFileSync(join(base, file), 'utf8');
  const slugger = new GithubSlugger();
  /** @type {{ link?: string, code?: string }[]} */
  const inline = [];
  const anchors = new Set();
  const rows = [];
  void marked.walkTokens(marked.lexer(text), (token) => {
    if (token.type === 'heading') anchors.add(slugger.slug(token.text));
    if (token.type === 'link' || token.type === 'image') inline.push({ link: token.href });
    if (token.type === 'codespan') inline.push({ code: token.text });
    if (token.type === 'table') rows.push(...token.rows.map((cells) => cells.map(({ text: cell }) => cell)));
  });
  return { file, text, inline, anchors, rows };
}
