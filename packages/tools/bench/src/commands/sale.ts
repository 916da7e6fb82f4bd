import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot, type PrivateStack } from '@ticketing/testkit';
import { runSale } from '../sale/run-sale.ts';
import { startSaleServices } from '../sale/sale-services.ts';
import { fullSale, quickSale } from '../sale/sale-size.ts';
import { saleText } from '../sale/sale-text.ts';

export interface SaleOptions {
  /** For data and logs. */
  readonly folder: string;
  /** Shows that it works; too small for figures. */
  readonly isQuick: boolean;
  readonly print: (line: string) => void;
  /** When, on what and of which commit. */
  readonly describe: (stack: PrivateStack) => object;
}

/**
 * `npm run bench -- --only sale`: a whole on-sale, until every seat is paid.
 *
 * @returns the exit code: 1 when a promise was broken
 */
export async function reportSale({ folder, isQuick, print, describe }: SaleOptions): Promise<number> {
  const size = isQuick ? quickSale : fullSale;
  await using services = await startSaleServices(size.holdSeconds, folder);
  const { report } = await runSale(services, size, print);
  const text = saleText(report);
  print(`\n${text}\n`);
  const path = join(repositoryRoot, '.data', 'sale');
  await mkdir(join(repositoryRoot, '.data'), { recursive: true });
  await writeFile(`${path}.json`, `${JSON.stringify({ ...describe(services.stack), ...report }, null, 2)}\n`);
  await writeFile(`${path}.md`, `# A whole on-sale\n\n${text}\n`);
  print('written to .data/sale.json and .data/sale.md');
  return report.findings.length === 0 ? 0 : 1;
}
