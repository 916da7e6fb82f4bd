import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { readDocument, readDocuments } from './repository.mjs';

/** Finds links, headings, `npm run` scripts and paths in code spans that do not exist. */
export function findings(base) {
  const { scripts } = JSON.parse(readFileSync(join(base, 'package.json'), 'utf8'));
  return readDocuments(base).flatMap(({ file, text, inline }) => {
    const links = inline.flatMap(({ link }) => (link === undefined ? [] : [findingOfLink(base, file, link)]));
    const paths = inline.flatMap(({ code = '' }) =>
      /^(apps|packages|docs|infra|\.ci)\/[\w./-]+$/.test(code) && !existsSync(join(base, code))
        ? [`names ${code}, which does not exist`]
        : [],
    );
    // In code blocks, too: they are what a reader copies.
    const commands = [...text.matchAll(/\bnpm run (\w+(?:[:-]\w+)*)/g)].flatMap(([, name]) =>
      scripts[name] === undefined ? [`names "npm run ${name}", which package.json does not have`] : [],
    );
    return [...links, ...paths, ...commands].filter(Boolean).map((finding) => `${file}: ${finding}`);
  });
}

function findingOfLink(base, file, link) {
  if (/^[a-z][a-z+.-]*:/.test(link)) return undefined;
  const [path, anchor] = link.split('#');
  const target = path === '' ? join(base, file) : join(base, dirname(file), decodeURIComponent(path));
  if (!existsSync(target)) return `links to ${link}, which does not exist`;
  if (anchor === undefined || statSync(target).isDirectory()) return undefined;
  const { anchors } = readDocument(base, relative(base, target));
  return anchors.has(anchor) ? undefined : `links to ${link}, but there is no such heading`;
}
