import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { reportTables } from '@ticketing/bench/report';
import * as bookingApi from '@ticketing/booking-api/describe';
import * as expiryWorker from '@ticketing/expiry-worker/describe';
import * as paymentApi from '@ticketing/payment-api/describe';
import { sessionSettings } from '@ticketing/seat-core/admin';
import {
  environmentExample,
  environmentTable,
  problems,
  problemTable,
  sentences,
} from '@ticketing/service-kit/docs';
import { format, resolveConfig } from 'prettier';
import { apiReference } from './api-reference.mjs';
import { gatewayDetails, gatewayProblems } from './gateway-problems.mjs';
import { root } from './repository.mjs';

const schemas = {
  'booking-api': bookingApi.configSchema,
  'payment-api': paymentApi.configSchema,
  'expiry-worker': expiryWorker.configSchema,
};
const performance = reportTables(JSON.parse(readFileSync(join(root, 'docs/performance.json'), 'utf8')));

const environment = `# Made by "npm run docs" from the schemas of the services: what is required is empty, the rest shows its default.
# For services that are started by hand: "set -a; . ./FILE; set +a" reads it. npm start needs none of this, and the .env of
# docker-compose.yml is another one, made by infra/docker/make-env.mjs.

${environmentExample(schemas)}`;

const referenceHead = `# The API of seat-core

Made from the docstrings by \`npm run docs\`, and checked to be current. Begin with [the README](README.md);
[The README](README.md#what-is-stable) says what of this is stable.
`;

/** Each generated file as `(old) => text`. Of a Markdown document with markers only the text between them is generated. */
const outputs = {
  '.env.example': () => environment,
  'docs/configuration.md': (old) => fill(old, { environment: environmentTable(schemas) }),
  'docs/api.md': (old) => fill(old, { faults: problemTable() }),
  'docs/openapi/booking-api.json': async () => JSON.stringify(await bookingApi.describeApi()),
  'docs/openapi/payment-api.json': async () => JSON.stringify(await paymentApi.describeApi()),
  'docs/performance.md': (old) => fillPerformance(old, ['run', 'chart', 'goals']),
  'docs/deployment.md': (old) =>
    fill(fillPerformance(old, ['processes']), { settings: settingsTable(sessionSettings) }),
  'docs/scaling.md': (old) => fillPerformance(old, ['sale']),
  'infra/gateway/problem-details.conf': () => gatewayDetails(problems, sentences),
  'infra/gateway/problems.conf': () => gatewayProblems(problems),
  'packages/seat-core/API.md': async () =>
    `${referenceHead}\n${await apiReference(join(root, 'packages/seat-core'))}`,
};

/** What each connection to PostgreSQL is given, and must have. */
function settingsTable(settings) {
  const rows = settings.map(({ name, values, how = 'sent at connect', why }) =>
    [`\`${name}\``, `\`${values.join('` or `')}\``, how, why].join(' | '),
  );
  const head = ['setting | value | how | so that', '--- | --- | --- | ---'];
  return [...head, ...rows].map((row) => `| ${row} |\n`).join('');
}

function fillPerformance(document, names) {
  return fill(document, Object.fromEntries(names.map((name) => [`performance ${name}`, performance[name]])));
}

function fill(document, contents) {
  return Object.entries(contents).reduce((text, [name, content]) => {
    const [start, end] = [`<!-- made by npm run docs: ${name} -->`, '<!-- end -->'];
    const from = text.indexOf(start);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`there are no markers ${start} … ${end}`);
    return `${text.slice(0, from)}${start}\n\n${content}\n${text.slice(to)}`;
  }, document);
}

/** The text of a generated file, made from the build and, for a document with markers, its old text. */
async function expectedText(file, old) {
  const text = await outputs[file](old);
  if (!/\.(md|json)$/.test(file)) return text;
  return format(text, { ...(await resolveConfig(join(root, file))), filepath: file });
}

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

export async function findings(base) {
  const found = [];
  for (const file of Object.keys(outputs)) {
    const old = read(join(base, file));
    if (old === '') found.push(`${file} is missing: run "npm run docs" and commit it`);
    else if ((await expectedText(file, old)) !== old)
      found.push(`${file} differs from the build: run "npm run docs" and commit it`);
  }
  return found;
}

export async function writeGenerated() {
  for (const file of Object.keys(outputs)) {
    const path = join(root, file);
    const text = await expectedText(file, read(path));
    if (text === read(path)) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    process.stdout.write(`wrote ${file}\n`);
  }
}
