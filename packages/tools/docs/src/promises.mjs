import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { readNames, root } from './facts.mjs';
import { markdownFiles } from './markdown-files.mjs';
import { testTitles } from './test-titles.mjs';

/*
 * Holds what the documents promise against the tests. Wherever a document links to a test file, it says which
 * test, and that test exists under this title and is not skipped. Each row of docs/promises.md names at least
 * one, and no environment variable or fault code of the build goes without a row.
 */

const base = resolve(process.argv[2] ?? root);
const faults = [];

const titlesByFile = new Map();
function titlesOf(path) {
  if (!titlesByFile.has(path)) titlesByFile.set(path, testTitles(readFileSync(path, 'utf8')));
  return titlesByFile.get(path);
}

/** `[text](path/to/some.test.ts)`, and behind it the title as code. */
const referencePattern = /\]\(([^)\s]+\.test(?:-d)?\.ts)\)(?:\s+(`+)(.+?)\2(?!`))?/gs;

function* references(text) {
  for (const { 1: link, 3: code, index } of text.matchAll(referencePattern)) {
    const title = code?.replaceAll(/\s+/g, ' ').trim().replaceAll('\\|', '|');
    yield { link, title, line: text.slice(0, index).split('\n').length };
  }
}

function faultOf(path, link, title) {
  if (!existsSync(path)) return `there is no ${link}`;
  if (title === undefined) return `says no test of ${link}`;
  const count = titlesOf(path).get(title) ?? 0;
  if (count === 0) return `${link} has no test "${title}"`;
  return count === 1 ? undefined : `${link} has ${count} tests "${title}": write "group › title"`;
}

for (const file of markdownFiles(base)) {
  for (const { link, title, line } of references(readFileSync(file, 'utf8'))) {
    const at = `${relative(base, file)}:${line}`;
    const path = join(dirname(file), link);
    const fault = faultOf(path, link, title);
    if (fault !== undefined) faults.push(`${at}: ${fault}`);
  }
}

const tableFile = 'docs/promises.md';
const table = readFileSync(join(base, tableFile), 'utf8');
let rows = 0;
for (const [index, line] of table.split('\n').entries()) {
  if (!/^\|.*[^\s|:-]/.test(line) || /^\|[^|]*\| test +\|$/.test(line)) continue;
  rows += 1;
  if ([...references(line)].length === 0) faults.push(`${tableFile}:${index + 1}: names no test`);
}
if (rows === 0) faults.push(`${tableFile} has no rows`);

const { variables, faultCodes } = await readNames();
for (const name of [...variables, ...faultCodes]) {
  if (!table.includes(`\`${name}\``)) faults.push(`${tableFile} says nothing about ${name}`);
}

for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
