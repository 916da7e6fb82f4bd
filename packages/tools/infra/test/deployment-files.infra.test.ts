import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  createPrivateStack,
  findPostgresTool,
  repositoryRoot,
  runCommand,
  startService,
} from '@ticketing/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkCompose, composeAddresses, composeConfig, makeEnvFile } from '../src/checks/compose.ts';
import { checkDockerfile, checkDockerignore, dockerfilePath } from '../src/checks/dockerfile.ts';
import { checkGrafana } from '../src/checks/grafana.ts';
import { checkKubeletEnvironments } from '../src/checks/kubelet-environment.ts';
import { checkManifests, kustomize, parseManifests, readManifests } from '../src/checks/kubernetes.ts';
import * as prometheus from '../src/checks/prometheus.ts';
import { runSql } from '../src/run-sql.ts';
import { makeRunFolder } from './run-folder.ts';

const read = (path: string) => readFile(join(repositoryRoot, path), 'utf8');
const folder = join(repositoryRoot, 'infra/prometheus');

describe('docker-compose.yml', () => {
  let envFile: string;
  beforeAll(async () => {
    envFile = join(await makeRunFolder('compose'), '.env');
    await makeEnvFile(envFile);
  });

  it('is accepted by docker-compose 1.29 with the variables that make-env.mjs writes', async () => {
    expect(await composeConfig(envFile)).toMatchObject({ code: 0 });
  });

  it('fits the schema of Compose 2, limits and checks each container, and publishes the gateway only', async () => {
    expect(await checkCompose()).toEqual([]);
  });

  it('asks for passwords and holds none', async () => {
    const empty = join(await makeRunFolder('compose-empty'), '.env');
    await writeFile(empty, '');
    const { code, output } = await composeConfig(empty);
    expect(code).toBe(1);
    expect(output).toContain('make-env.mjs');
  });

  it('make-env.mjs leaves an existing .env as it is', async () => {
    const before = await readFile(envFile, 'utf8');
    expect(await makeEnvFile(envFile)).toMatchObject({ code: 1 });
    expect(await readFile(envFile, 'utf8')).toBe(before);
  });

  it('runs the services as a role without DDL, made by service-role.sh and granted by the migration job', async () => {
    await using stack = await createPrivateStack();
    const { username, password, port, pathname } = new URL(stack.databaseUrl);
    const { program, env } = await findPostgresTool('psql');
    const servicePassword = 'as-make-env_writes-them';
    // As the PostgreSQL image runs it, but for the address of the server.
    const made = await runCommand([join(repositoryRoot, 'infra/docker/service-role.sh')], {
      env: {
        ...process.env,
        ...env,
        PATH: `${dirname(program)}:${process.env['PATH'] ?? ''}`,
        PGHOST: '127.0.0.1',
        PGPORT: port,
        PGPASSWORD: password,
        POSTGRES_USER: username,
        POSTGRES_DB: pathname.slice(1),
        SERVICE_PASSWORD: servicePassword,
      },
    });
    expect(made).toMatchObject({ code: 0 });
    const serviceUrl = `postgres://ticketing_service:${servicePassword}@127.0.0.1:${port}${pathname}`;
    const migrate = join(repositoryRoot, 'packages/seat-core/bin/seat-core-migrate.mjs');
    const urls = { MIGRATE_DATABASE_URL: stack.databaseUrl, DATABASE_URL: serviceUrl };
    const migrated = await runCommand([process.execPath, migrate], { env: { ...process.env, ...urls } });
    expect(migrated).toMatchObject({ code: 0 });
    const settings = { DATABASE_URL: serviceUrl, REDIS_URL: stack.redisUrl };
    await using service = await startService('booking-api', settings);
    expect((await fetch(`${service.url}/api/v1/events`)).status).toBe(200);
    await expect(runSql(serviceUrl, 'create table own (id int)')).rejects.toThrow('permission denied');
  });
});

describe('the Dockerfile', () => {
  it('has two stages, an ordinary user, a health check, and node as the process that gets signals', async () => {
    expect(checkDockerfile(await readFile(dockerfilePath, 'utf8'))).toEqual([]);
  });

  it('gets no secret and no earlier build: .dockerignore', async () => {
    expect(checkDockerignore(await read('.dockerignore'))).toEqual([]);
  });
});

describe('the configuration of Prometheus', () => {
  it('is accepted by promtool: scrape configuration and rules', async () => {
    expect(await prometheus.checkConfig(folder)).toMatchObject({ code: 0 });
  });

  it('names every process of docker-compose.yml, and no other', async () => {
    expect(await prometheus.readTargets(folder)).toEqual(await composeAddresses());
  });

  it('finds the three services among the pods of a cluster, by the names that the rules use', async () => {
    const copy = await makeRunFolder('discovery');
    expect(await prometheus.discoverPods(folder, await readManifests(), copy)).toEqual([
      { job: 'booking-api', instance: 'booking-api-1', address: '10.0.0.1:3001' },
      { job: 'payment-api', instance: 'payment-api-1', address: '10.0.0.1:3002' },
      { job: 'expiry-worker', instance: 'expiry-worker-1', address: '10.0.0.1:3003' },
    ]);
  });

  it('fires its alerts as their unit tests say', async () => {
    expect(await prometheus.testRules(folder)).toMatchObject({ code: 0 });
  });

  it('has a unit test in which each alert fires, and a section of the runbook for each alert', async () => {
    expect(await prometheus.checkAlertLinks(folder, await read('docs/runbook.md'))).toEqual([]);
  });
});

it('the dashboards are well-formed, and docker-compose.yml gives Grafana their source and their paths', async () => {
  expect(await checkGrafana(await read('docker-compose.yml'))).toEqual([]);
});

describe('the manifests of Kubernetes', () => {
  it('fit their schemas, are unprivileged, probed and budgeted, and hold no secret', async () => {
    const manifests = await readManifests();
    expect(manifests.filter(({ kind }) => kind === 'Deployment')).toHaveLength(4);
    expect(checkManifests(manifests)).toEqual([]);
  });

  it('give each service an environment that it accepts, with what a kubelet adds to it', async () => {
    expect(await checkKubeletEnvironments()).toEqual([]);
  });

  it('are put together by kustomize, where there is a kubectl', async ({ skip }) => {
    for (const name of ['production', 'migration']) {
      const verdict = await kustomize(name);
      if (verdict === undefined) return skip('there is no kubectl');
      const { code, output } = verdict;
      expect({ name, code }).toEqual({ name, code: 0 });
      expect(checkManifests(parseManifests(output))).toEqual([]);
      expect(output).not.toMatch(/image: ticketing\//);
    }
  });
});
