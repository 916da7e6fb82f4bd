import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/* Each check of the documents finds what is planted in a small repository, and nothing else. */

const command = fileURLToPath(new URL('../src/docs.mjs', import.meta.url));

const sound = {
  'package.json': '{ "scripts": { "db:migrate": "true" } }',
  'README.md':
    '# The first one\n[up](#the-first-one) [b](docs/b.md#b) [web](https://example.org)\n`npm run db:migrate`: `docs/b.md`\n',
  'docs/b.md': '# B\n',
  'docs/promises.md': `| promise | test |
| --- | --- |
| sells | [a.test.ts](../test/a.test.ts) \`sells it once\` |
| waits | [a.test.ts](../test/a.test.ts) \`doesn't wait\` |
| takes | [a.test.ts](../test/a.test.ts) \`takes %i\`, [a.test.ts](../test/a.test.ts) \`a \\| b\` |
| sells again | [a.test.ts](../test/a.test.ts) \`a group › sells it again\` |
`,
  'test/a.test.ts': `
it('sells it once', () => {});
test.concurrent('doesn\\'t wait', { timeout: 1 }, () => {});
it.each([1, 2])('takes %i', () => {});
it('a | b', () => {});
it.skip('is left out', () => {});
describe('a group', () => { it('sells it again', () => {}); });
describe('another group', () => { it('sells it again', () => {}); });
`,
};

async function findingsOf(check: string, planted: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-checks-'));
  try {
    for (const [file, text] of Object.entries({ ...sound, ...planted })) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    }
    return await new Promise((resolve) => {
      execFile(process.execPath, [command, check, folder], (error, _stdout, stderr) => {
        const findings = stderr.split('\n').filter((line) => line !== '');
        // The exit code is what fails a build.
        expect(error?.code ?? 0).toBe(findings.length === 0 ? 0 : 1);
        resolve(findings);
      });
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

it.each(['promises', 'references', 'words'])(
  'a sound repository passes the check "%s"',
  async (check) => {
    expect(await findingsOf(check, {})).toEqual([]);
  },
  60_000,
);

const a = '[a](test/a.test.ts)';

it.each([
  [
    'wrong links to tests',
    'promises',
    {
      'README.md': `${a}\n\`sells\nnothing\`, ${a} \`is left out\`, ${a} \`sells it again\`, [b](b.test.ts) \`c\`, ${a}`,
      'docs/promises.md': '| promise | test |\n| --- | --- |\n| sells | by hand |\n',
    },
    [
      'README.md: test/a.test.ts runs no test "sells nothing"',
      'README.md: test/a.test.ts runs no test "is left out"',
      'README.md: test/a.test.ts has 2 tests "sells it again": write "group › title"',
      'README.md: there is no b.test.ts',
      'README.md: names no test of test/a.test.ts',
      'docs/promises.md: no test for "sells"',
    ],
  ],
  ['no promises', 'promises', { 'docs/promises.md': '' }, ['docs/promises.md has no rows']],
  [
    'dead references',
    'references',
    { 'README.md': '[c](docs/c.md) [b](docs/b.md#c) `packages/a/src/b.ts`\n```sh\nnpm run verfy\n```\n' },
    [
      'README.md: links to docs/c.md, which does not exist',
      'README.md: links to docs/b.md#c, but there is no such heading',
      'README.md: names packages/a/src/b.ts, which does not exist',
      'README.md: names "npm run verfy", which package.json does not have',
    ],
  ],
  [
    'vague words',
    'words',
    { 'README.md': `read\n${'whom '.repeat(30)}` },
    ['README.md:2: "whom": name the subject', '30 vague words; at most 29 are allowed'],
  ],
  [
    'a stale file',
    'generated',
    { '.env.example': 'stale' },
    ['.env.example differs from the build: run "npm run docs" and commit it'],
  ],
])(
  'finds %s by the check "%s"',
  async (_what, check, planted, expected) => {
    const findings = (await findingsOf(check, planted)).filter((line) => !line.includes('is missing'));
    expect([...new Set(findings)]).toEqual(expected);
  },
  60_000,
);
