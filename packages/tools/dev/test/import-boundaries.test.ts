import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/*
 * Who may import what, held by .oxlintrc.json and by the exports maps. Each snippet is put where it would
 * stand and linted with the rules of the repository: a rule that has stopped to bite is seen here.
 */

const root = fileURLToPath(new URL('../../../..', import.meta.url));

const refused = [
  ['packages/seat-core/src', `import 'fastify';`],
  ['packages/seat-core/src', `import type { FastifyInstance } from 'fastify';`],
  ['packages/seat-core/src', `export * from '@fastify/type-provider-typebox';`],
  ['packages/seat-core/src', `import { readConfig } from '@ticketing/service-kit';`],
  ['packages/seat-core/src', `import { createApp } from '@ticketing/booking-api';`],
  ['packages/seat-core/src', `import { testStack } from '@ticketing/testkit';`],
  ['packages/seat-core/src', `import { env } from 'node:process';`],
  ['packages/seat-core/src', `export const url = process.env['DATABASE_URL'];`],
  ['packages/seat-core/src', `console.log('held');`],
  ['packages/service-kit/src', `import { openSeatCore } from '@ticketing/seat-core';`],
  ['packages/service-kit/src', `import { seats } from '@ticketing/seat-core/schema';`],
  ['packages/service-kit/src', `import { createApp } from '@ticketing/payment-api';`],
  ['packages/service-kit/src', `import pg from 'pg';`],
  ['packages/service-kit/src', `export const level = process.env['LOG_LEVEL'];`],
  ['packages/service-kit/src/http', `import { hold } from '../../../seat-core/src/hold-seats.ts';`],
  ['apps/booking-api/src', `import { createApp } from '@ticketing/payment-api';`],
  ['apps/booking-api/src', `import { createApp } from '../../payment-api/src/app.ts';`],
  ['apps/booking-api/src', `import { hold } from '../../../seat-core/src/hold/hold-seats.ts';`],
  ['apps/booking-api/src', `import { testStack } from '@ticketing/testkit';`],
  ['apps/booking-api/src', `import { seats } from '@ticketing/seat-core/schema';`],
  ['apps/booking-api/src', `export const port = process.env['BOOKING_API_PORT'];`],
  ['apps/payment-api/src', `import { drizzle } from 'drizzle-orm/node-postgres';`],
  ['apps/expiry-worker/src', `import { Pool } from 'pg';`],
  ['apps/expiry-worker/src', `console.error('late');`],
  ['apps/booking-api/test', `import { createApp } from '../../payment-api/src/app.ts';`],
  ['packages/tools/dev/src', `import { readConfig } from '@ticketing/service-kit';`],
  ['packages/tools/dev/src', `import { createApp } from '../../../../apps/booking-api/src/app.ts';`],
  ['packages/tools/dev/src', `import { runSeed } from '@ticketing/chaos';`],
  ['packages/tools/chaos/src', `import { readConfig } from '@ticketing/service-kit';`],
  ['packages/tools/chaos/src', `import { createApp } from '../../../../apps/booking-api/src/app.ts';`],
  ['packages/tools/chaos/src', `import { commitHolds } from '../../../seat-core/src/hold/commit-holds.ts';`],
  ['packages/tools/bench/src', `import { createApp } from '@ticketing/booking-api';`],
  ['packages/tools/bench/src', `import { runSeed } from '@ticketing/chaos';`],
  [
    'packages/tools/bench/src',
    `import { holdSeatsStatement } from '../../../seat-core/src/hold/hold-seats.sql.ts';`,
  ],
  ['packages/tools/infra/src', `import { readConfig } from '@ticketing/service-kit';`],
  ['packages/tools/infra/src', `import { createApp } from '../../../../apps/booking-api/src/app.ts';`],
] as const;

const accepted = [
  ['packages/seat-core/src', `import { drizzle } from 'drizzle-orm/node-postgres'; drizzle('');`],
  [
    'packages/service-kit/src',
    `import type { SeatErrorCode } from '@ticketing/seat-core/errors'; export type A = SeatErrorCode;`,
  ],
  ['apps/booking-api/src', `import { openSeatCore } from '@ticketing/seat-core'; await openSeatCore({});`],
  ['apps/booking-api/src', `import { runService } from '@ticketing/service-kit'; await runService({});`],
  ['apps/booking-api/test', `import { testStack } from '@ticketing/testkit'; testStack();`],
  ['apps/booking-api/test', `import { createApp } from '../src/app.ts'; createApp();`],
  ['packages/tools/dev/src', `import { runMigrations } from '@ticketing/seat-core'; runMigrations({});`],
  [
    'packages/tools/chaos/src',
    `import { startService } from '@ticketing/testkit'; await startService('', {});`,
  ],
  ['packages/tools/bench/src', `import { bookingSchema } from '@ticketing/service-kit'; bookingSchema();`],
  ['packages/tools/infra/src', `import { waitFor } from '@ticketing/testkit'; await waitFor(() => 1, {});`],
] as const;

let folder: string;
let findings: ReadonlyMap<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-boundaries-'));
  await copyFile(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  for (const [index, [place, code]] of [...refused, ...accepted].entries()) {
    const file = join(folder, place, `snippet-${index}.ts`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${code}\n`);
  }
  findings = await lint();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What oxlint says about boundaries, by file; rules that need types stay out, there is no program here. */
async function lint(): Promise<ReadonlyMap<string, string>> {
  const oxlint = createRequire(join(root, 'package.json')).resolve('oxlint/package.json');
  const program = join(dirname(oxlint), 'bin', 'oxlint');
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [program, '-f', 'unix'], { cwd: folder }, (_error, stdout) => resolve(stdout));
  });
  const found = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [, file, finding] = /^(.*?):\d+:\d+: (.*)$/.exec(line) ?? [];
    if (file !== undefined && /no-restricted-imports|no-process-env|no-console/.test(line)) {
      found.set(file.replace(`${folder}/`, ''), finding ?? '');
    }
  }
  return found;
}

describe('the lint rules', () => {
  it.each(refused.map(([place, code], index) => [place, code, index] as const))(
    'refuse in %s: %s',
    (place, _code, index) => {
      expect(findings.get(`${place}/snippet-${index}.ts`)).toBeDefined();
    },
  );

  it.each(accepted.map(([place, code], index) => [place, code, refused.length + index] as const))(
    'accept in %s: %s',
    (place, _code, index) => {
      expect(findings.get(`${place}/snippet-${index}.ts`)).toBeUndefined();
    },
  );
});

describe('the exports maps', () => {
  const { resolve } = createRequire(join(root, 'apps/booking-api/package.json'));

  it.each([
    '@ticketing/seat-core/dist/hold-seats.js',
    '@ticketing/seat-core/src/hold-seats.ts',
    '@ticketing/seat-core/database',
    '@ticketing/service-kit/dist/faults/faults.js',
  ])('keep %s inside', (specifier) => {
    expect(() => resolve(specifier)).toThrow(
      expect.objectContaining({ code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' }),
    );
  });

  it.each(['@ticketing/seat-core/package.json', '@ticketing/service-kit/package.json'])(
    'give out %s',
    (specifier) => {
      expect(resolve(specifier)).toMatch(/package\.json$/);
    },
  );
});
