import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { root } from './facts.mjs';
import { markdownFiles } from './markdown-files.mjs';

/*
 * What the documents point at must be there: relative links and their headings, `npm run` scripts, and files
 * and folders of this repository that are named as code.
 */

const base = resolve(process.argv[2] ?? root);
const faults = [];

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf(text) {
  const seen = new Map();
  return new Set(
    [...withoutFences(text).matchAll(/^#{1,6}\s+(.+)$/gm)].map(([, heading]) => {
      const slug = heading
        .trim()
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-');
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      return count === 0 ? slug : `${slug}-${count}`;
    }),
  );
}

const withoutFences = (text) => text.replaceAll(/^```.*?^```/gms, '');

const scripts = JSON.parse(readFileSync(join(base, 'package.json'), 'utf8')).scripts;

for (const file of markdownFiles(base)) {
  const text = readFileSync(file, 'utf8');
  const say = (fault) => faults.push(`${relative(base, file)}: ${fault}`);

  const prose = withoutFences(text);
  for (const [, link] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z][a-z+.-]*:/.test(link)) continue;
    const [path, anchor] = link.split('#');
    const target = path === '' ? file : join(dirname(file), decodeURIComponent(path));
    if (!existsSync(target)) say(`links to ${link}, which does not exist`);
    else if (
      anchor !== undefined &&
      statSync(target).isFile() &&
      !anchorsOf(readFileSync(target, 'utf8')).has(anchor)
    )
      say(`links to ${link}, but there is no such heading`);
  }

  // Also in fences: they are what a reader copies.
  for (const [, name] of text.matchAll(/\bnpm run (\w+(?:[:-]\w+)*)/g)) {
    if (scripts[name] === undefined) say(`names "npm run ${name}", which package.json does not have`);
  }

  for (const [, path] of prose.matchAll(/`((?:apps|packages|docs|infra|\.ci)\/[\w./-]+)`/g)) {
    if (!existsSync(join(base, path))) say(`names ${path}, which does not exist`);
  }
}

for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
