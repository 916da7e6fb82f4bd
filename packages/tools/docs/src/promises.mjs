import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createVitest } from 'vitest/node';
import { readDocuments } from './repository.mjs';

const promises = 'docs/promises.md';
const isTest = (link) => link?.endsWith('.test.ts');

/**
 * Compares the promises of the documents with the tests. A link to a test file is followed by the title of a test, as
 * code; the file has one test of this title, and does not skip it. Each row of docs/promises.md has such a link.
 */
export async function findings(base) {
  const documents = readDocuments(base);
  const references = documents.flatMap(({ file, inline }) =>
    inline.flatMap(({ link }, index) =>
      isTest(link)
        ? [{ file, link, path: resolve(base, dirname(file), link), title: inline[index + 1]?.code }]
        : [],
    ),
  );
  const titles = await titlesByFile(
    base,
    [...new Set(references.map(({ path }) => path))].filter(existsSync),
  );
  const found = references.flatMap(({ file, link, path, title }) => {
    const count = titles.get(path)?.get(title) ?? 0;
    if (!existsSync(path)) return [`${file}: there is no ${link}`];
    if (title === undefined) return [`${file}: names no test of ${link}`];
    if (count === 0) return [`${file}: ${link} runs no test "${title}"`];
    return count === 1 ? [] : [`${file}: ${link} has ${count} tests "${title}": write "group › title"`];
  });
  const rows = documents.find(({ file }) => file === promises)?.rows ?? [];
  if (rows.length === 0) found.push(`${promises} has no rows`);
  for (const [promise, ...cells] of rows) {
    if (!cells.some((cell) => cell.includes('.test.ts)')))
      found.push(`${promises}: no test for "${promise}"`);
  }
  return found;
}

/** Vitest parses the files and runs none of them, so no server starts. @returns by file how many tests have a title */
async function titlesByFile(base, files) {
  const titles = new Map(files.map((file) => [file, new Map()]));
  const vitest = await createVitest('test', {
    root: base,
    config: false,
    watch: false,
    include: ['**/*.test.ts'],
  });
  try {
    const specifications = files.length === 0 ? [] : await vitest.globTestSpecifications(files);
    for (const { moduleId, children } of await vitest.experimental_parseSpecifications(specifications)) {
      // Vitest counts a test under `skipIf` as skipped.
      const mayRun = /\.(skipIf|runIf)\(/.test(readFileSync(moduleId, 'utf8'));
      for (const { name, parent, options } of children.allTests()) {
        if (options.mode !== 'run' && !mayRun) continue;
        const title = name.replaceAll(/\\(.)/g, '$1');
        const counts = titles.get(moduleId);
        for (const key of parent.type === 'suite' ? [title, `${parent.name} › ${title}`] : [title])
          counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
  } finally {
    await vitest.close();
  }
  return titles;
}
