import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { apiReference } from './api-reference.mjs';

/*
 * What the built services say about themselves, and the run of the bench that is kept; the documents are made from it,
 * or held against it.
 */

export const root = fileURLToPath(new URL('../../../..', import.meta.url));

const serviceNames = ['booking-api', 'payment-api', 'expiry-worker'];

/** Apps export nothing and are no dependencies of the root, so their build is opened by its path. */
const open = (path) => import(new URL(`../../../../${path}`, import.meta.url).href);

/** What a user meets by name: environment variables and fault codes. */
export async function readNames() {
  const schemas = Object.values(await readSchemas());
  const { problems } = await open('packages/service-kit/dist/docs.js');
  return {
    variables: [...new Set(schemas.flatMap((schema) => Object.keys(schema.properties)))],
    faultCodes: Object.keys(problems),
  };
}

async function readSchemas() {
  const schemas = {};
  for (const name of serviceNames) {
    schemas[name] = (await open(`apps/${name}/dist/config-schema.js`)).configSchema;
  }
  return schemas;
}

export async function readFacts() {
  const { environmentExample, environmentTable, problemTable, problems, sentences } = await open(
    'packages/service-kit/dist/docs.js',
  );
  const schemas = await readSchemas();
  const openApi = {};
  for (const name of ['booking-api', 'payment-api']) {
    openApi[name] = await (await open(`apps/${name}/dist/describe.js`)).describeApi();
  }
  const { reportChart, reportTables } = await open('packages/tools/bench/dist/report/report-documents.js');
  const performance = JSON.parse(
    readFileSync(new URL('../../../../docs/performance.json', import.meta.url), 'utf8'),
  );
  return {
    environmentExample: environmentExample(schemas),
    environmentTable: environmentTable(schemas),
    faultTable: problemTable(),
    performanceTables: reportTables(performance),
    performanceChart: reportChart(performance),
    faultDefinitions: problems,
    sentences,
    openApi,
    seatCoreReference: seatCoreReference(),
  };
}

function seatCoreReference() {
  const head = `# The API of seat-core

Made from the docstrings by \`npm run docs\`, and checked to be current. Begin with [the README](README.md); what of this is
stable is in [STABILITY.md](STABILITY.md).
`;
  return `${head}\n${apiReference(`${root}/packages/seat-core/dist/index.d.ts`)}`;
}
