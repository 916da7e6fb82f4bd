import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isGenerated, listFiles, readDocuments } from './repository.mjs';

/** Words that hide the subject of a sentence. A handful is allowed, for where they are right. */
const vague = /\b(whoever|nobody|somebody|everybody|whom|anybody)\b/gi;
const allowed = 29;

/** @returns every place of a vague word once there are too many of them */
export function findings(base) {
  const files = [...listFiles(base)].filter((file) => !isGenerated(file));
  const places = files.flatMap((file) =>
    readFileSync(join(base, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(vague)].map(([word]) => `${file}:${index + 1}: "${word}": name the subject`),
      ),
  );
  if (places.length <= allowed) return [];
  return [...places, `${places.length} vague words; at most ${allowed} are allowed`];
}

/** The words to read that a person wrote; documents with generated parts and changelogs do not count. */
export function countWords(base) {
  const written = readDocuments(base).filter(
    ({ file, text }) =>
      !isGenerated(file) && !file.endsWith('CHANGELOG.md') && !text.includes('<!-- made by npm run docs'),
  );
  const words = written.reduce((sum, { text }) => sum + text.split(/\s+/).filter(Boolean).length, 0);
  return `${words} words in ${written.length} documents written by hand`;
}
