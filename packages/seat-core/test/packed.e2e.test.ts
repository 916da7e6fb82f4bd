import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { openSeatCore } from '@ticketing/seat-core';
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
  it('passes publint', async () => {
    const bytes = await readFile(tarball);
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer } });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it('has types that match its code under every module resolution (arethetypeswrong)', async () => {
    const checked = await checkPackage(createPackageFromTarballData(await readFile(tarball)));
    if (checked.types === false) throw new Error('there are no types');
    // The package has ES modules only: CommonJS imports it dynamically, and Node 10 does not know `exports`.
    const expected = new Set(['CJSResolvesToESM']);
    const problems = checked.problems.filter(
      (problem) =>
        !expected.has(problem.kind) && !('resolutionKind' in problem && problem.resolutionKind === 'node10'),
    );
    expect(problems).toEqual([]);
  });

  it('contains all files that it needs and no sources or tests', async () => {
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
    const stray = /^package\/(src|test|testing)\/|\.map$|tsbuildinfo$/;
    expect(files.filter((file) => stray.test(file))).toEqual([]);
  });
});

describe('the manifest and documents of the packed package', () => {
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

  it('name only files that the package contains', () => {
    const paths = [...JSON.stringify(manifest).matchAll(/"\.\/([^"*]+)"(?!:)/g)].map(([, path]) => path!);
    expect(paths).toContain('dist/index.js');
    for (const path of paths) expect(files).toContain(`package/${path}`);
  });

  it('export the same subpaths as within this repository', async () => {
    const own = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as Manifest;
    expect(Object.keys(manifest.exports)).toEqual(Object.keys(own.exports));
  });

  it('link only to files that the package contains', async () => {
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

describe('an empty project that installs the package', () => {
  it('compiles and runs the example program of the README against real servers', async () => {
    const program = await readFile(join(packageFolder, 'examples/kiosk.ts'), 'utf8');
    const readme = await readFile(join(packageFolder, 'README.md'), 'utf8');
    expect([...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code)).toEqual([program]);

    const project = join(folder, 'project');
    await mkdir(project);
    await writeFile(join(project, 'kiosk.ts'), program);
    await writeFile(
      join(project, 'package.json'),
      JSON.stringify({
        name: 'box-office',
        type: 'module',
        dependencies: { '@ticketing/seat-core': `file:${tarball}` },
      }),
    );
    // Without scripts: seat-core must not need any.
    const install = [
      'install',
      '--prefer-offline',
      '--ignore-scripts',
      '--ignore-workspace',
      '--no-lockfile',
    ];
    await run(bin('pnpm'), install, { cwd: project });
    const strict = ['--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];
    const types = ['--typeRoots', join(repositoryRoot, 'node_modules', '@types'), '--types', 'node'];
    await run(bin('tsc'), [...strict, ...types, '--outDir', 'built', 'kiosk.ts'], { cwd: project });

    await using stack = await createTestStack();
    const core = await openSeatCore({ databaseUrl: stack.databaseUrl, redisUrl: stack.redisUrl });
    await core.createEvent({
      name: 'Gamelan Night',
      venue: 'Gedung Kesenian',
      startsAt: new Date(Date.now() + 86_400_000),
      sections: [
        { name: 'Stalls', price: { amount: 20_000_000, currency: 'IDR' }, rows: [{ name: 'A', seats: 12 }] },
      ],
    });
    await core.close();
    const { stdout } = await run(process.execPath, [join('built', 'kiosk.js')], {
      cwd: project,
      env: { ...process.env, DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl },
    });
    expect(stdout).toBe(
      [
        'ani holds 2 seats for 120 seconds',
        'budi is too late: 2 seats are taken',
        'CONFIRMED: 2 of 12 seats are sold',
        '',
      ].join('\n'),
    );
  });
});
