import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestStack, repositoryRoot } from '@ticketing/testkit';
import { describe, expect, it } from 'vitest';
import { backUp, restore } from '../src/back-up.ts';
import { checkCompose, composeConfig, makeEnvFile } from '../src/checks/compose.ts';
import { checkDockerfile, checkDockerignore } from '../src/checks/dockerfile.ts';
import { checkGrafana } from '../src/checks/grafana.ts';
import { checkKubeletEnvironments } from '../src/checks/kubelet-environment.ts';
import { checkManifests, readManifests } from '../src/checks/kubernetes.ts';
import { checkMigrations } from '../src/checks/migrations.ts';
import * as prometheus from '../src/checks/prometheus.ts';
import { checkGatewayConfig } from '../src/start-gateway.ts';
import { expectUnknownOutcome } from './gateway-probes.ts';
import { checkRestored, createEmptyDatabase } from './restored.ts';
import { makeRunFolder, migrationsWith } from './run-folder.ts';

const read = (path: string) => readFile(join(repositoryRoot, path), 'utf8');

/** Replaces text that has to be there. */
function edit(text: string, from: string | RegExp, to: string): string {
  const edited = text.replace(from, to);
  if (edited === text) throw new Error(`${String(from)} is not there`);
  return edited;
}

/** @returns a copy of a folder of infra with one edit in one file */
async function copyWith(name: string, file: string, from: string | RegExp, to: string): Promise<string> {
  const folder = join(await makeRunFolder(`planted-${name}`), name);
  await cp(join(repositoryRoot, 'infra', name), folder, { recursive: true });
  await writeFile(join(folder, file), edit(await readFile(join(folder, file), 'utf8'), from, to));
  return folder;
}

/** One planted failure for each tool: its check has to report it. */
describe('a planted failure', () => {
  it('nginx -t reports an unknown directive', async () => {
    const plant = (text: string) => edit(text, 'keepalive_timeout 65s', 'keepalive_timeouts 65s');
    const options = { folder: await makeRunFolder('planted-gateway'), bookingPorts: [1], paymentPorts: [1] };
    const { output } = await checkGatewayConfig({ ...options, edit: plant });
    expect(output).toContain('unknown directive "keepalive_timeouts"');
  });

  it('the test of the gateway reports a lost answer without its unknown outcome', async () => {
    const plant = (text: string) => edit(text, /"~\[0-9\]\$" .*;/, '');
    await expect(expectUnknownOutcome('hang-up', plant)).rejects.toThrow(/^expected .* to deeply equal/);
  });

  it('docker-compose 1.29 reports an unknown key', async () => {
    const folder = await makeRunFolder('planted-compose');
    const [file, envFile] = [join(folder, 'docker-compose.yml'), join(folder, '.env')];
    await writeFile(file, edit(await read('docker-compose.yml'), 'read_only: true', 'read_olny: true'));
    await makeEnvFile(envFile);
    expect((await composeConfig(envFile, file)).output).toMatch(/Unsupported config option.*read_olny/s);
  });

  it.each([
    ['an unknown key', 'stop_signal: SIGQUIT', 'stop_signals: SIGQUIT', '/services/gateway: must NOT have'],
    [
      'a store that is published',
      "'127.0.0.1:9090:9090'",
      "'9090:9090'",
      'more than the gateway is published',
    ],
  ])('the check of docker-compose.yml reports %s', async (_, from, to, report) => {
    const found = await checkCompose(edit(await read('docker-compose.yml'), from, to));
    expect(found).toContainEqual(expect.stringContaining(report));
  });

  it('the checks of the Dockerfile and .dockerignore report root as the user, and secrets that are copied', async () => {
    const dockerfile = edit(await read('infra/docker/Dockerfile'), 'USER 1000:1000', 'USER root');
    expect(checkDockerfile(dockerfile)).toEqual(['USER is not a number other than 0']);
    const dockerignore = edit(await read('.dockerignore'), '.env\n', '');
    expect(checkDockerignore(dockerignore)).toEqual(['.dockerignore lacks .env']);
  });

  it.each([
    ['text in place of a number', 'replicas: 2', "replicas: 'two'", /Deployment payment-api: .*integer/],
    [
      'a restart that depends on PostgreSQL',
      /path: \/health\/live/g,
      'path: /health/ready',
      /no probe of liveness/,
    ],
  ])('the check of the manifests reports %s', async (_, from, to, report) => {
    const folder = await copyWith('kubernetes', 'base/payment-api.yml', from, to);
    expect(checkManifests(await readManifests(folder)).join()).toMatch(report);
  });

  it('the checks of the manifests name the variable that the service links of a pod would set', async () => {
    const folder = await copyWith(
      'kubernetes',
      'base/booking-api.yml',
      '      enableServiceLinks: false\n',
      '',
    );
    expect(checkManifests(await readManifests(folder))).toEqual([
      'booking-api gets the service links of its namespace',
    ]);
    expect(await checkKubeletEnvironments(folder)).toEqual([
      expect.stringMatching(
        /^booking-api cannot start: BOOKING_API_PORT must be .*enableServiceLinks: false/,
      ),
    ]);
  });

  it('the checks of the environments report a value that stops a service, and a variable that none reads', async () => {
    const folder = await copyWith(
      'kubernetes',
      'base/kustomization.yml',
      'DELAY_SECONDS=8',
      'DELAY_SECONDS=8s',
    );
    expect(await checkKubeletEnvironments(folder)).toEqual(
      ['booking-api', 'expiry-worker', 'payment-api'].map((name) =>
        expect.stringContaining(`${name} cannot start: SHUTDOWN_DELAY_SECONDS`),
      ),
    );
    const misspelt = edit(await read('docker-compose.yml'), 'TRUSTED_PROXIES: ', 'TRUSTED_PROXYS: ');
    expect(await checkCompose(misspelt)).toContain(
      'payment-api is given TRUSTED_PROXYS, which no service reads',
    );
  });

  it('promtool reports a function that does not exist, and an alert that never fires', async () => {
    const unknown = await copyWith('prometheus', 'rules/recording.yml', 'sum(', 'smu(');
    expect((await prometheus.checkConfig(unknown)).output).toContain('unknown function with name "smu"');
    const silent = await copyWith('prometheus', 'rules/alerts.yml', 'p99_5m > 2', 'p99_5m > 2000');
    expect((await prometheus.testRules(silent)).output).toMatch(/FAILED:.*alertname: ExpiryLate/s);
  });

  it('the targets and the discovery of Prometheus lack a process that is left out', async () => {
    const file = await copyWith('prometheus', 'prometheus.yml', ', booking-api-2:3001', '');
    expect(await prometheus.readTargets(file)).not.toContain('booking-api-2:3001');
    const cluster = await copyWith(
      'prometheus',
      'kubernetes.yml',
      'booking-api|payment-api|',
      'payment-api|',
    );
    const answer = await makeRunFolder('planted-answer');
    const found = await prometheus.discoverPods(cluster, await readManifests(), answer);
    expect(found.map(({ job }) => job)).toEqual(['payment-api', 'expiry-worker']);
  });

  it('the check of alerts and runbook reports a section of another name', async () => {
    const runbook = edit(await read('docs/runbook.md'), '## PoolWaiting', '## PoolsWaiting');
    const found = await prometheus.checkAlertLinks(join(repositoryRoot, 'infra/prometheus'), runbook);
    expect(found).toEqual([
      'docs/runbook.md has no section PoolWaiting',
      'no alert links the section PoolsWaiting',
    ]);
  });

  it('the check of the dashboards reports a panel without its query', async () => {
    const folder = await copyWith('grafana', 'dashboards/stores.json', /"expr": .*\n/, '');
    const found = await checkGrafana(await read('docker-compose.yml'), folder);
    expect(found).toEqual([expect.stringContaining("must have required property 'expr'")]);
  });

  it('the rule for schema changes reports a column that is dropped', async () => {
    const next = ['alter table seats drop column version', 'alter table seats add column note text'];
    const { findings } = await checkMigrations(await migrationsWith(next));
    expect(findings).toEqual([expect.stringMatching(/^next_0 is not allowed .*drop column version$/)]);
  });

  it('the check of a restored database reports rights that were not restored', async () => {
    await using stack = await createTestStack();
    const file = join(await makeRunFolder('planted-backup'), 'ticketing.dump');
    await backUp(stack.databaseUrl, file);
    await using database = await createEmptyDatabase(stack.databaseUrl);
    await restore(file, database.url, ['--no-privileges']);
    const { databaseUrl: originalUrl, redisUrl } = stack;
    const found = await checkRestored({ originalUrl, restoredUrl: database.url, redisUrl, soldBefore: 0 });
    expect(found.join('\n')).toContain('it lacks: GRANT SELECT');
  });
});
