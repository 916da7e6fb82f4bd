import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '@ticketing/testkit';
import { markdownTable } from '../report/tables.ts';
import { costRows, worstAnonymous } from '../request-costs/cost-rows.ts';
import { gatherCrowd } from '../request-costs/crowd.ts';
import { measureRequestCosts, type RequestCost } from '../request-costs/measure-request-costs.ts';

const file = '.data/request-costs.md';
const full = { seats: 100_000, otherEvents: 99, requests: 10, measureMs: 1_000, mapPauseMs: 6_000 };
const quick = { seats: 2_000, otherEvents: 1, requests: 1, measureMs: 0, mapPauseMs: 1_200 };

export interface RequestCostsOptions {
  /** For data and logs. */
  readonly folder: string;
  /** Shows that it works; too small for figures. */
  readonly isQuick: boolean;
  readonly print: (line: string) => void;
}

/**
 * `npm run bench -- --request-costs`: what one request of each kind costs, with the largest event there may be.
 *
 * @returns the exit code
 */
export async function reportRequestCosts({ folder, isQuick, print }: RequestCostsOptions): Promise<number> {
  const size = isQuick ? quick : full;
  await using crowd = await gatherCrowd(size, folder);
  const costs = await measureRequestCosts(crowd, size, (cost) => print(costRows([cost])[1]!.join(' · ')));
  const table = `${markdownTable(costRows(costs))}\n\n${worstSentence(worstAnonymous(costs)!)}\n`;
  print(`\n${table}`);
  const path = join(repositoryRoot, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, table);
  print(`written to ${file}`);
  return 0;
}

function worstSentence(worst: RequestCost): string {
  const [, row] = costRows([worst]);
  const [request = '', , cold = '', , serviceMs, postgresMs, bytes] = row!;
  const when = cold === '' ? '' : ` (${cold})`;
  return `The dearest anonymous request is ${request}${when}: ${serviceMs} ms of the service, ${postgresMs} ms of PostgreSQL, ${bytes} of answer.`;
}
