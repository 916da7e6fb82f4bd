import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { createTestStack, repositoryRoot } from '@ticketing/testkit';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const bin = (name: string) => join(repositoryRoot, 'node_modules', '.bin', name);
const packageFolder = join(repositoryRoot, 'packages', 'seat-core');

let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seat-core-'));
  const { stdout } = await run(bin('pnpm'), ['pack', '--json', '--pack-destination', folder], {
    cwd: packageFolder,
  });
  tarball = (JSON.parse(stdout) as { filename: string }).filename;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the packed package', () => {
  it('is what publint would publish', async () => {
    const bytes = await readFile(tarball);
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer } });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it('has types that fit its code wherever it is imported from (arethetypeswrong)', async () => {
    const checked = await checkPackage(createPackageFromTarballData(await readFile(tarball)));
    if (checked.types === false) throw new Error('there are no types');
    // A package of ES modules: that CommonJS must import it dynamically, and Node 10 knows no exports, is meant.
    const meant = new Set(['CJSResolvesToESM']);
    const problems = checked.problems.filter(
      (problem) =>
        !meant.has(problem.kind) && !('resolutionKind' in problem && problem.resolutionKind === 'node10'),
    );
    expect(problems).toEqual([]);
  });

  it('holds what it needs and nothing else', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball]);
    const files = stdout.trim().split('\n');
    for (const file of [
      'package.json',
      'README.md',
      'CHANGELOG.md',
      'dist/index.js',
      'dist/index.d.ts',
      'migrations/0000_tables.sql',
    ]) {
      expect(files).toContain(`package/${file}`);
    }
    // Maps of sources that are not there lead nowhere.
    const stray = /^package\/(src|test|testing)\/|\.map$|tsbuildinfo$/;
    expect(files.filter((file) => stray.test(file))).toEqual([]);
  });
});

describe('what the packed package says of itself', () => {
  interface Manifest {
    readonly exports: object;
    readonly files: readonly string[];
  }
  let files: string[];
  let manifest: Manifest;
  beforeAll(async () => {
    const listed = await run('tar', ['-tzf', tarball]);
    files = listed.stdout.trim().split('\n');
    const { stdout } = await run('tar', ['-xzOf', tarball, 'package/package.json']);
    manifest = JSON.parse(stdout) as Manifest;
  });

  it('is true of its files: each path of its manifest is one of them', () => {
    const paths = [...JSON.stringify(manifest).matchAll(/"\.\/([^"*]+)"(?!:)/g)].map(([, path]) => path!);
    expect(paths).toContain('dist/index.js');
    for (const path of paths) expect(files).toContain(`package/${path}`);
  });

  it('opens the same subpaths as within this repository', async () => {
    const own = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as Manifest;
    expect(Object.keys(manifest.exports)).toEqual(Object.keys(own.exports));
  });

  it('is true of its documents: each relative link leads to one of its files', async () => {
    for (const document of files.filter((file) => file.endsWith('.md'))) {
      const { stdout } = await run('tar', ['-xzOf', tarball, document]);
      const links = [...stdout.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, link]) => link!);
      const missing = links.filter(
        (link) => !/^[a-z]+:/.test(link) && !files.includes(posix.join('package', link)),
      );
      expect({ document, missing }).toEqual({ document, missing: [] });
    }
  });
});

describe('an empty project that installs it', () => {
  it('books, confirms and expires a seat as the README says', async () => {
    const project = join(folder, 'project');
    await mkdir(project);
    const readme = await readFile(join(packageFolder, 'README.md'), 'utf8');
    const [sell, expire] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
    await writeFile(
      join(project, 'package.json'),
      JSON.stringify({
        name: 'box-office',
        type: 'module',
        dependencies: { '@ticketing/seat-core': `file:${tarball}` },
      }),
    );
    // Its scripts are not run: seat-core must not need any.
    const install = [
      'install',
      '--prefer-offline',
      '--ignore-scripts',
      '--ignore-workspace',
      '--no-lockfile',
    ];
    await run(bin('pnpm'), install, { cwd: project });

    await writeFile(join(project, 'sell.ts'), sell!);
    await writeFile(join(project, 'expire.ts'), expire!);
    await writeFile(
      join(project, 'main.ts'),
      `import { expireOneSeat } from './expire.js';
import { sellOneSeat } from './sell.js';
const [, , databaseUrl = '', redisUrl = ''] = process.argv;
console.log(JSON.stringify([await sellOneSeat(databaseUrl, redisUrl), await expireOneSeat(databaseUrl, redisUrl)]));
`,
    );
    const strict = ['--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];
    const types = ['--typeRoots', join(repositoryRoot, 'node_modules', '@types'), '--types', 'node'];
    await run(bin('tsc'), [...strict, ...types, '--outDir', 'built', 'main.ts'], { cwd: project });

    await using stack = await createTestStack();
    const { stdout } = await run(
      process.execPath,
      [join('built', 'main.js'), stack.databaseUrl, stack.redisUrl],
      { cwd: project },
    );
    expect(JSON.parse(stdout)).toEqual([['PENDING', 'SEAT_TAKEN', 'CONFIRMED'], 'EXPIRED']);
  });
});
