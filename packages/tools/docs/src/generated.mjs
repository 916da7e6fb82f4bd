import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { readFacts, root } from './facts.mjs';
import { gatewayDetails, gatewayProblems } from './gateway-problems.mjs';

/*
 * Documents made from the services' own schemas, and from a run of the bench. Without an argument they are written; with --check they are
 * compared, and what differs is a fault.
 */

const facts = await readFacts();
const env = `# Made by "npm run docs" from the schemas of the services: what is required is empty, the rest shows its default.
# For services that are started by hand: "set -a; . ./FILE; set +a" reads it. npm start needs none of this, and the .env of
# docker-compose.yml is another one, made by infra/docker/make-env.mjs.

${facts.environmentExample}`;

/** Of a Markdown file only what stands between its markers is made here. */
const outputs = [
  { file: '.env.example', text: () => env },
  { file: 'docs/configuration.md', text: (old) => fill(old, 'environment', facts.environmentTable) },
  ...Object.entries(facts.openApi).map(([name, document]) => ({
    file: `docs/openapi/${name}.json`,
    text: () => JSON.stringify(document),
  })),
  { file: 'packages/seat-core/API.md', text: () => facts.seatCoreReference },
  { file: 'docs/api.md', text: (old) => fill(old, 'faults', facts.faultTable) },
  { file: 'docs/pictures/performance.svg', text: () => facts.performanceChart },
  ...Object.entries({
    'docs/performance.md': ['run', 'goals', 'figures'],
    'docs/deployment.md': ['processes'],
    'docs/scaling.md': ['sale'],
  }).map(([file, names]) => ({
    file,
    text: (old) =>
      names.reduce(
        (document, name) => fill(document, `performance ${name}`, facts.performanceTables[name]),
        old,
      ),
  })),
  {
    file: 'infra/gateway/problem-details.conf',
    text: () => gatewayDetails(facts.faultDefinitions, facts.sentences),
  },
  { file: 'infra/gateway/problems.conf', text: () => gatewayProblems(facts.faultDefinitions) },
];

function fill(document, name, content) {
  const [start, end] = [`<!-- made by npm run docs: ${name} -->`, '<!-- end -->'];
  const from = document.indexOf(start);
  const to = document.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`there are no markers ${start} … ${end}`);
  return `${document.slice(0, from)}${start}\n\n${content}\n${document.slice(to)}`;
}

async function expected({ file, text }) {
  const path = join(root, file);
  const old = file.endsWith('.md') ? (read(file) ?? '') : '';
  if (!/\.(md|json)$/.test(file)) return text(old);
  return format(text(old), { ...(await resolveConfig(path)), filepath: path });
}

function read(file) {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const isCheck = process.argv.includes('--check');
for (const output of outputs) {
  const text = await expected(output);
  if (text === read(output.file)) continue;
  if (isCheck) {
    process.stderr.write(`${output.file} is not what the build says: run "npm run docs" and commit it.\n`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(join(root, output.file)), { recursive: true });
    writeFileSync(join(root, output.file), text);
    process.stdout.write(`wrote ${output.file}\n`);
  }
}
