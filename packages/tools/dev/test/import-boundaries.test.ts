import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repositoryRoot, runCommand } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/*
 * The rules of .oxlintrc.json about imports. Each row plants one violation: a rule that no longer fails is seen here.
 */

const core = 'packages/seat-core/src';
const restricted = /no-restricted-imports/;

const planted = [
  ['upward import', `${core}/redis/a.ts`, `import { b } from '../records/b.ts';`, /above it/],
  ['upward type import', `${core}/records/a.ts`, `import type { B } from '../hold/b.ts';`, /above it/],
  ['upward re-export', `${core}/options.ts`, `export * from './postgres/pool.ts';`, /above it/],
  [
    'upward import()',
    `${core}/states/a.ts`,
    `export const b = await import('../announce/b.ts');`,
    /above it/,
  ],
  ['import of another feature', `${core}/hold/a.ts`, `import { b } from '../bookings/b.ts';`, /beside it/],
  ['import of another store', `${core}/queue/a.ts`, `import { b } from '../postgres/b.ts';`, /beside it/],
  ['file without a floor', `${core}/utils.ts`, `import { b } from './types.ts';`, /no floor/],
  ['circle of types', `${core}/hold/first.ts`, `import type { B } from './second.ts';`, /cycle/],
  ['environment in the engine', `${core}/a.ts`, `import { env } from 'node:process';`, restricted],
  ['environment in an app', 'apps/a/src/a.ts', `export const port = process.env['PORT'];`, /no-process-env/],
  ['console in service-kit', 'packages/service-kit/src/a.ts', `console.log('held');`, /no-console/],
  ['engine in service-kit', 'packages/service-kit/src/b.ts', `import '@ticketing/seat-core';`, restricted],
  [
    'tables in service-kit',
    'packages/service-kit/src/c.ts',
    `import '@ticketing/seat-core/admin';`,
    restricted,
  ],
  ['testkit in the engine', `${core}/types.ts`, `import '@ticketing/testkit';`, restricted],
  ['testkit in service-kit', 'packages/service-kit/src/d.ts', `import '@ticketing/testkit';`, restricted],
  ['testkit in an app', 'apps/a/src/b.ts', `import '@ticketing/testkit';`, restricted],
  ['path into a package, in a test', 'apps/a/test/a.ts', `import { b } from '../../b/src/b.ts';`, restricted],
  ['path into a package, in an app', 'apps/a/src/c.ts', `import { b } from '../../b/dist/b.js';`, restricted],
] as const;

const allowed = [
  [`${core}/hold/ok.ts`, `import { a } from '../idempotency/a.ts'; import { b } from './b.ts'; a(b);`],
  [
    `${core}/idempotency/ok.ts`,
    `import { a } from '../announce/a.ts'; import { b } from '../redis/b.ts'; a(b);`,
  ],
  [`${core}/hold/second.ts`, `import type { A } from './first.ts'; export type B = A;`],
  ['packages/service-kit/src/ok.ts', `import { a } from '@ticketing/seat-core/errors'; a();`],
  ['apps/a/test/ok.ts', `import { a } from '../src/a.ts'; a(process.env);`],
] as const;

let folder: string;
let report: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-boundaries-'));
  for (const file of ['.oxlintrc.json', 'packages/tools/dev/lint'])
    await cp(join(repositoryRoot, file), join(folder, file), { recursive: true });
  for (const [file, code] of [...planted.map(([, ...rest]) => rest), ...allowed]) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `${code}\n`);
  }
  const program = join(repositoryRoot, 'node_modules/oxlint/bin/oxlint');
  const { output } = await runCommand([process.execPath, program, '-f', 'unix', '.'], { cwd: folder });
  report = output.split('\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('oxlint', () => {
  it.each(planted)('refuses: %s', (_name, file, _code, reason) => {
    const findings = report.filter((line) => line.includes(`${file}:`));
    expect(findings.join('\n')).toMatch(reason);
  });

  it.each(allowed)('allows in %s: %s', (file) => {
    const rules = /no-restricted-imports|no-process-env|floors/;
    expect(report.filter((line) => line.includes(`${file}:`) && rules.test(line))).toEqual([]);
  });
});

it.each([
  '@ticketing/seat-core/dist/hold/hold-seats.js',
  '@ticketing/seat-core/src/hold/hold-seats.ts',
  '@ticketing/service-kit/dist/index.js',
])('an exports map keeps %s inside its package', (specifier) => {
  const { resolve } = createRequire(join(repositoryRoot, 'apps/booking-api/package.json'));
  expect(() => resolve(specifier)).toThrow(
    expect.objectContaining({ code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' }),
  );
});

it('pnpm makes a package resolvable only where package.json names it', async () => {
  const command = [process.execPath, '-e', "require.resolve('pg')"];
  // pnpm's starter of a program sets NODE_PATH, which Node's own import does not read.
  const { output } = await runCommand(command, { cwd: join(repositoryRoot, 'apps/payment-api'), env: {} });
  expect(output).toContain('MODULE_NOT_FOUND');
});
