import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

/* The checks that keep the documents true, on small repositories with something wrong in them. */

const checks = fileURLToPath(new URL('../src', import.meta.url));
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function run(
  check: 'promises' | 'references',
  files: Readonly<Record<string, string>>,
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-checks-'));
  folders.push(folder);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return new Promise((resolve) => {
    execFile(process.execPath, [join(checks, `${check}.mjs`), folder], (error, _stdout, stderr) => {
      const faults = stderr.split('\n').filter((line) => line !== '');
      // The exit code is what fails a build.
      expect(error?.code ?? 0).toBe(faults.length === 0 ? 0 : 1);
      resolve(faults);
    });
  });
}

const tests = `
it('sells it once', () => {});
test.concurrent("doesn't wait", { timeout: 1 }, () => {});
it.each([1, 2])('takes %i', () => {});
it.skip('is left out', () => {});
it.todo('comes later');
describe.skipIf(isMonday)('a group', () => {
  it('sells it again', () => {});
  it.each([
    ['a', '(b)'],
  ])('takes %s, too', () => {});
});
describe('another group', () => {
  it('sells it again', () => {});
});
it('is in no group', () => {});
`;

/** What the check says about the table's rows; the variables and codes of the real build are missing from each. */
async function promiseFaults(...rows: string[]): Promise<string[]> {
  const table = ['| promise | test |', '| --- | --- |', ...rows, ''].join('\n');
  const faults = await run('promises', { 'docs/promises.md': table, 'packages/a/test/a.test.ts': tests });
  return faults.filter((fault) => !fault.includes('says nothing about'));
}
const inA = '[a.test.ts](../packages/a/test/a.test.ts)';

describe('the promises', () => {
  it('hold with tests of every kind of title', async () => {
    const titles = [
      'sells it once',
      "doesn't wait",
      'takes %i',
      'takes %s, too',
      'a group › sells it again',
      'is in no group',
    ];
    expect(await promiseFaults(...titles.map((title) => `| it works | ${inA} \`${title}\` |`))).toEqual([]);
  });

  it.each([
    ['that was renamed', `${inA} \`sells it twice\``, 'has no test "sells it twice"'],
    ['that is skipped', `${inA} \`is left out\``, 'has no test "is left out"'],
    ['that is not written', `${inA} \`comes later\``, 'has no test "comes later"'],
    ['that is a group', `${inA} \`a group\``, 'has no test "a group"'],
    ['of a title that two have', `${inA} \`sells it again\``, 'has 2 tests "sells it again": write "group'],
    ['that is not named', inA, 'says no test of ../packages/a/test/a.test.ts'],
    [
      'of a file that is gone',
      '[b](../packages/a/test/b.test.ts) `sells`',
      'there is no ../packages/a/test/b.test.ts',
    ],
    ['that is none', 'somebody looked', 'names no test'],
  ])('do not hold with a test %s', async (_name, cell, fault) => {
    expect(await promiseFaults(`| it works | ${cell} |`)).toEqual([expect.stringContaining(fault)]);
  });

  it('do not hold without rows', async () => {
    expect(await promiseFaults()).toEqual(['docs/promises.md has no rows']);
  });

  it('are asked for each environment variable and fault code of the build', async () => {
    const faults = await run('promises', { 'docs/promises.md': '| `HOLD_SECONDS` | nothing |\n' });
    expect(faults).toContain('docs/promises.md says nothing about SEAT_TAKEN');
    expect(faults).toContain('docs/promises.md says nothing about DATABASE_URL');
    expect(faults).not.toContain('docs/promises.md says nothing about HOLD_SECONDS');
  });

  it('are held in other documents, too', async () => {
    const files = {
      'docs/promises.md': '',
      'README.md': '[a](packages/a/test/a.test.ts)\n`sells\nnothing`\n',
    };
    expect(await run('promises', { ...files, 'packages/a/test/a.test.ts': tests })).toContain(
      'README.md:1: packages/a/test/a.test.ts has no test "sells nothing"',
    );
  });
});

describe('the references', () => {
  const manifest = { 'package.json': '{ "scripts": { "verify": "true", "db:migrate": "true" } }' };

  it('hold when everything is there', async () => {
    const text =
      '# The first one\n[up](#the-first-one) [b](docs/b.md#b) [web](https://example.org)\n`npm run db:migrate`: `docs/b.md`\n';
    expect(await run('references', { ...manifest, 'README.md': text, 'docs/b.md': '# B\n' })).toEqual([]);
  });

  it.each([
    ['a file', '[b](docs/c.md)', 'links to docs/c.md, which does not exist'],
    ['a heading', '[b](docs/b.md#c)', 'links to docs/b.md#c, but there is no such heading'],
    ['a script', '```sh\nnpm run verfy\n```', 'names "npm run verfy", which package.json does not have'],
    ['a path', '`packages/a/src/b.ts`', 'names packages/a/src/b.ts, which does not exist'],
  ])('do not hold without %s', async (_name, text, fault) => {
    const files = { ...manifest, 'README.md': `${text}\n`, 'docs/b.md': '# B\n' };
    expect(await run('references', files)).toEqual([`README.md: ${fault}`]);
  });
});
