import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestStack, repositoryRoot } from '@ticketing/testkit';
import { expect, it } from 'vitest';
import { backUp, restore } from '../src/back-up.ts';
import { checkCompose, composeConfig, makeEnvFile } from '../src/checks/compose.ts';
import { checkDockerfile, checkDockerignore } from '../src/checks/dockerfile.ts';
import { checkGrafana } from '../src/checks/grafana.ts';
import { checkManifests, readManifests } from '../src/checks/kubernetes.ts';
import { checkMigrations } from '../src/checks/migrations.ts';
import {
  checkAlertLinks,
  checkConfig,
  discoverPods,
  readTargets,
  testRules,
} from '../src/checks/prometheus.ts';
import { checkGatewayConfig } from '../src/servers/start-gateway.ts';
import type { ToolVerdict } from '../src/tools.ts';
import { expectUnknownOutcome } from './gateway-probes.ts';
import { checkRestored, createEmptyDatabase } from './restored.ts';
import { makeRunFolder, migrationsWith } from './run-folder.ts';

/*
 * One planted failure for each tool: its check has to report it.
 */

const read = (path: string) => readFile(join(repositoryRoot, path), 'utf8');

/** Replaces text that has to be there. */
function planted(text: string, from: string | RegExp, to: string): string {
  const edited = text.replace(from, to);
  if (edited === text) throw new Error(`${String(from)} is not there`);
  return edited;
}

/** @returns a copy of a folder of infra with one edit in one file */
async function copyWith(name: string, file: string, from: string | RegExp, to: string): Promise<string> {
  const folder = join(await makeRunFolder(`planted-${name}`), name);
  await cp(join(repositoryRoot, 'infra', name), folder, { recursive: true });
  await writeFile(join(folder, file), planted(await readFile(join(folder, file), 'utf8'), from, to));
  return folder;
}

/** @returns the output of a tool that refused its file */
function refusal({ code, output }: ToolVerdict): string {
  return code === 0 ? 'accepted' : output;
}

async function checkBrokenCompose(from: string | RegExp, to: string): Promise<string[]> {
  return checkCompose(planted(await read('docker-compose.yml'), from, to));
}

it.each<[tool: string, failure: string, check: () => Promise<string | readonly unknown[]>, report: RegExp]>([
  [
    'nginx -t',
    'an unknown directive',
    async () => {
      const edit = (text: string) => planted(text, 'keepalive_timeout 65s', 'keepalive_timeouts 65s');
      const folder = await makeRunFolder('planted-gateway');
      return refusal(await checkGatewayConfig({ folder, bookingPorts: [1], paymentPorts: [1], edit }));
    },
    /unknown directive "keepalive_timeouts"/,
  ],
  [
    'the test of the gateway',
    'a lost answer without its unknown outcome',
    async () => {
      const edit = (text: string) => planted(text, /"~\[0-9\]\$" .*;/, '');
      return expectUnknownOutcome('hang-up', edit).then(() => 'passed', String);
    },
    /AssertionError/,
  ],
  [
    'docker-compose 1.29',
    'an unknown key',
    async () => {
      const folder = await makeRunFolder('planted-compose');
      const [file, envFile] = [join(folder, 'docker-compose.yml'), join(folder, '.env')];
      await writeFile(file, planted(await read('docker-compose.yml'), 'read_only: true', 'read_olny: true'));
      await makeEnvFile(envFile);
      return refusal(await composeConfig(envFile, file));
    },
    /Unsupported config option.*read_olny/s,
  ],
  [
    'the schema of Compose 2',
    'an unknown key',
    () => checkBrokenCompose('stop_signal: SIGQUIT', 'stop_signals: SIGQUIT'),
    /gateway: must NOT have unevaluated|additional properties/,
  ],
  [
    'the check of docker-compose.yml',
    'a store that is published',
    () => checkBrokenCompose("'127.0.0.1:9090:9090'", "'9090:9090'"),
    /more than the gateway is published/,
  ],
  [
    'the check of the Dockerfile',
    'root as its user',
    async () =>
      checkDockerfile(planted(await read('infra/docker/Dockerfile'), 'USER 1000:1000', 'USER root')),
    /USER is not a number other than 0/,
  ],
  [
    'the check of .dockerignore',
    'secrets that are copied',
    async () => checkDockerignore(planted(await read('.dockerignore'), '.env\n', '')),
    /lacks \.env/,
  ],
  [
    'the schemas of Kubernetes',
    'text in place of a number',
    async () => {
      const edit = ['base/payment-api.yml', 'replicas: 2', "replicas: 'two'"] as const;
      return checkManifests(await readManifests(await copyWith('kubernetes', ...edit)));
    },
    /Deployment payment-api: .*integer/,
  ],
  [
    'the check of the manifests',
    'a restart that depends on PostgreSQL',
    async () => {
      const probe = /(livenessProbe:\n\s+httpGet: \{ path: )\/health\/live/;
      const folder = await copyWith('kubernetes', 'base/booking-api.yml', probe, '$1/health/ready');
      return checkManifests(await readManifests(folder));
    },
    /booking-api has no probe of liveness/,
  ],
  [
    'promtool check config',
    'a function that does not exist',
    async () =>
      refusal(await checkConfig(await copyWith('prometheus', 'rules/recording.yml', 'sum(', 'smu('))),
    /unknown function with name "smu"/,
  ],
  [
    'promtool test rules',
    'a threshold that is never met',
    async () => {
      const folder = await copyWith('prometheus', 'rules/alerts.yml', 'p99_5m > 2', 'p99_5m > 2000');
      return refusal(await testRules(folder));
    },
    /alertname: ExpiryLate/,
  ],
  [
    'the targets of prometheus.yml',
    'a process that is left out',
    async () => readTargets(await copyWith('prometheus', 'prometheus.yml', ', booking-api-2:3001', '')),
    /^booking-api-1:3001\npayment-api:3002\nexpiry-worker:3003$/,
  ],
  [
    'promtool check service-discovery',
    'a service that is left out',
    async () => {
      const folder = await copyWith(
        'prometheus',
        'kubernetes.yml',
        'booking-api|payment-api|',
        'payment-api|',
      );
      const found = await discoverPods(folder, await readManifests(), await makeRunFolder('planted-answer'));
      return found.map(({ job }) => job);
    },
    /^payment-api\nexpiry-worker$/,
  ],
  [
    'the links between alerts and runbook',
    'a section of another name',
    async () => {
      const runbook = planted(await read('docs/runbook.md'), '## PoolWaiting', '## PoolsWaiting');
      return checkAlertLinks(join(repositoryRoot, 'infra/prometheus'), runbook);
    },
    /has no section PoolWaiting\nno alert links the section PoolsWaiting/,
  ],
  [
    'the check of the dashboards',
    'a panel without its query',
    async () => {
      const folder = await copyWith('grafana', 'dashboards/stores.json', /"expr": .*\n/, '');
      return checkGrafana(await read('docker-compose.yml'), folder);
    },
    /stores\.json: .* must have required property 'expr'/,
  ],
  [
    'the rule for schema changes',
    'a column that is dropped',
    async () => {
      const next = ['alter table seats drop column version', 'alter table seats add column note text'];
      return (await checkMigrations(await migrationsWith(next))).findings;
    },
    /^next_0 is not allowed[^\n]*drop column version$/,
  ],
  [
    'the check of a restored database',
    'rights that were not restored',
    async () => {
      await using stack = await createTestStack();
      const file = join(await makeRunFolder('planted-backup'), 'ticketing.dump');
      await backUp(stack.databaseUrl, file);
      await using database = await createEmptyDatabase(stack.databaseUrl);
      await restore(file, database.url, ['--no-privileges']);
      const { databaseUrl: originalUrl, redisUrl } = stack;
      return await checkRestored({ originalUrl, restoredUrl: database.url, redisUrl, soldBefore: 0 });
    },
    /it lacks: GRANT SELECT/,
  ],
])('%s reports %s', async (_tool, _failure, check, report) => {
  const reported = await check();
  expect(typeof reported === 'string' ? reported : reported.join('\n')).toMatch(report);
});
