import { resolve } from 'node:path';
import { root } from './repository.mjs';
import { countWords } from './words.mjs';

/*
 * npm run docs:       node docs.mjs write
 * npm run check:docs: node docs.mjs [check [folder]]
 */

const checks = ['generated', 'promises', 'references', 'words'];
const [command, folder = root] = process.argv.slice(2);
const base = resolve(folder);

if (command === 'write') {
  const { writeGenerated } = await import('./generated.mjs');
  await writeGenerated();
} else {
  for (const check of command === undefined ? checks : [command]) {
    const { findings } = await import(`./${check}.mjs`);
    for (const finding of await findings(base)) {
      process.stderr.write(`${finding}\n`);
      process.exitCode = 1;
    }
  }
  process.stdout.write(`${countWords(base)}\n`);
}
