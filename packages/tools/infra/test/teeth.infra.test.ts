import { cp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '@ticketing/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkCompose, composeAddresses, composeConfig, makeEnvFile } from '../src/check-compose.ts';
import { checkGrafana } from '../src/check-grafana.ts';
import {
  checkManifests,
  hasKubectl,
  kustomize,
  readManifests,
  type Manifest,
} from '../src/check-kubernetes.ts';
import { checkAlertLinks, checkConfig, readTargets, testRules } from '../src/check-prometheus.ts';
import { answerDiscovery, discoverPods } from '../src/discover-pods.ts';
import { checkGatewayConfig } from '../src/start-gateway.ts';
import { broken } from './broken.ts';
import { makeRunFolder } from './run-folder.ts';

/*
 * Each check of a file is seen to fail when the file is broken on purpose: one edit, and what finds it.
 */

async function copyBroken(name: string, file: string, from: string | RegExp, to: string): Promise<string> {
  const folder = join(await makeRunFolder(`broken-${name}`), name);
  await cp(join(repositoryRoot, 'infra', name), folder, { recursive: true });
  const path = join(folder, file);
  await writeFile(path, broken(await readFile(path, 'utf8'), from, to));
  return folder;
}

describe('nginx refuses', () => {
  it.each([
    ['a directive that is not known', 'keepalive_timeout 65s', 'keepalive_timeouts 65s'],
    ['a zone that nobody has', 'zone=writes burst', 'zone=written burst'],
    ['an upstream that nobody has', 'proxy_pass http://payment_api', 'proxy_pass http://payments'],
    ['a status that there is not', 'error_page 413 =', 'error_page 1413 ='],
    ['a brace too few', 'location / {', 'location /'],
  ])('%s', async (_, from, to) => {
    const { code } = await checkGatewayConfig({
      folder: await makeRunFolder('broken-gateway'),
      bookingPorts: [3001],
      paymentPorts: [3002],
      edit: (text) => broken(text, from, to),
    });
    expect(code).not.toBe(0);
  });
});

describe('promtool refuses', () => {
  it.each([
    ['a setting that is not known', 'prometheus.yml', 'scrape_interval', 'scrape_intervall'],
    ['a job without a name', 'prometheus.yml', 'job_name: payment-api', 'job_nam: payment-api'],
    [
      'an expression without its end',
      'rules/alerts.yml',
      'max by (part) (redis_circuit_open)',
      'max by (part) (redis_circuit_open',
    ],
    [
      'a function that there is not',
      'rules/recording.yml',
      'sum(rate(tickets_sold_total',
      'sum(rat(tickets_sold_total',
    ],
    ['a word of time that is none', 'rules/alerts.yml', 'for: 30s', 'for: half a minute'],
  ])('%s', async (_, file, from, to) => {
    expect((await checkConfig(await copyBroken('prometheus', file, from, to))).code).not.toBe(0);
  });
});

describe('the unit tests of the alerts fail on', () => {
  it.each([
    ['a threshold that is never met', 'rules/alerts.yml', 'p99_5m > 2', 'p99_5m > 2000'],
    ['a threshold that is always met', 'rules/alerts.yml', '[1m])) > 5', '[1m])) > 0'],
    [
      'a metric that there is not',
      'rules/alerts.yml',
      'invariant_violations) > 0',
      'invariants_violated) > 0',
    ],
    [
      'lost races that count as faults',
      'rules/recording.yml',
      'overloaded|dependency_unavailable|idem',
      'seat_taken|dependency_unavailable|idem',
    ],
    ['500s that are not seen', 'rules/recording.yml', 'booking",status=~"5.."', 'booking",status="503"'],
    [
      'shed requests that are not seen',
      'rules/recording.yml',
      'booking",status=~"5.."',
      'booking",status="500"',
    ],
    ['a sold-out hall that is taken for stalled', 'rules/alerts.yml', '> 0.5 * engine', '> 0.01 * engine'],
    [
      'a stall that is told by the engine only',
      'rules/alerts.yml',
      'or on() engine:holds_failed_uncounted',
      'and on() engine:holds_failed_uncounted',
    ],
    ['a longer wait', 'rules/alerts.yml', 'for: 15s', 'for: 15m'],
    ['a link to another section', 'rules/alerts.yml', '#clockoffset', '#clocks'],
  ])('%s', async (_, file, from, to) => {
    expect((await testRules(await copyBroken('prometheus', file, from, to))).code).not.toBe(0);
  });
});

describe('the watching of docker-compose.yml fails on', () => {
  it.each([
    ['a process that is left out', 'booking-api-1:3001, booking-api-2:3001', 'booking-api-1:3001'],
    ['a name that nobody has', 'payment-api:3002', 'payment-api-1:3002'],
    ['another port', 'expiry-worker:3003', 'expiry-worker:3001'],
  ])('%s', async (_, from, to) => {
    const folder = await copyBroken('prometheus', 'prometheus.yml', from, to);
    expect(await readTargets(folder)).not.toEqual(await composeAddresses());
  });
});

describe('the watching of a cluster fails on', () => {
  const found = async (edit: (text: string) => string, manifests: readonly Manifest[]): Promise<string[]> => {
    const folder = join(repositoryRoot, 'infra/prometheus');
    const edited = join(await makeRunFolder('broken-discovery'), 'edited');
    await cp(folder, edited, { recursive: true });
    const path = join(edited, 'kubernetes.yml');
    await writeFile(path, edit(await readFile(path, 'utf8')));
    const copy = await answerDiscovery(edited, manifests, await makeRunFolder('broken-answer'));
    return (await discoverPods(copy)).map(({ job }) => job);
  };
  const right = ['booking-api', 'payment-api', 'expiry-worker'];

  it.each([
    ['a service that is left out', 'booking-api|payment-api|', 'booking-api|'],
    ['names that the rules do not know', 'target_label: job', 'target_label: service'],
    ['ports of another name', 'regex: http', 'regex: metrics'],
  ])('%s', async (_, from, to) => {
    expect(await found((text) => broken(text, from, to), await readManifests())).not.toEqual(right);
  });

  it('a pod whose port has another name', async () => {
    const folder = await copyBroken('kubernetes', 'base/payment-api.yml', 'name: http,', 'name: web,');
    expect(await found((text) => text, await readManifests(folder))).not.toEqual(right);
  });

  it('another namespace', async () => {
    const edit = (text: string) => broken(text, 'names: [ticketing]', 'names: [tickets]');
    await expect(found(edit, await readManifests())).rejects.toThrow('does not ask for the pods');
  });
});

describe('the links between alerts and runbook fail on', () => {
  const runbookOf = () => readFile(join(repositoryRoot, 'docs/runbook.md'), 'utf8');

  it('a section that is missing, and one that no alert leads to', async () => {
    const folder = join(repositoryRoot, 'infra/prometheus');
    const runbook = broken(await runbookOf(), '## PoolWaiting', '## PoolsWaiting');
    expect(await checkAlertLinks(folder, runbook)).toEqual([
      'docs/runbook.md has no section PoolWaiting',
      'no alert leads to the section PoolsWaiting',
    ]);
  });

  it('an alert that no test sees firing', async () => {
    const folder = await copyBroken(
      'prometheus',
      'tests/alerts.test.yml',
      'alertname: JobsFailed',
      'alertname: QueueBacklog',
    );
    expect(await checkAlertLinks(folder, await runbookOf())).toEqual(['no unit test sees JobsFailed fire']);
  });
});

describe('what Grafana is given is refused with', () => {
  it.each([
    ['a source of another name', 'provisioning/datasources/prometheus.yml', 'uid: prometheus', 'uid: prom'],
    ['a source that is nowhere', 'provisioning/datasources/prometheus.yml', '//prometheus:', '//prom:'],
    ['a folder that is not there', 'provisioning/dashboards/ticketing.yml', '/etc/grafana', '/var/grafana'],
    ['a panel of another source', 'dashboards/stores.json', '"uid": "prometheus"', '"uid": "loki"'],
    ['a panel twice', 'dashboards/stores.json', '"id": 2,', '"id": 1,'],
    ['a dashboard twice', 'dashboards/stores.json', 'ticketing-stores', 'ticketing-on-sale'],
  ])('%s', async (_, file, from, to) => {
    const compose = await readFile(join(repositoryRoot, 'docker-compose.yml'), 'utf8');
    expect(await checkGrafana(await copyBroken('grafana', file, from, to), compose)).not.toEqual([]);
  });
});

describe('docker-compose.yml is refused with', () => {
  let text: string;
  beforeAll(async () => {
    text = await readFile(join(repositoryRoot, 'docker-compose.yml'), 'utf8');
  });

  it('a key that docker-compose 1.29 does not know', async () => {
    const folder = await makeRunFolder('broken-compose');
    const file = join(folder, 'docker-compose.yml');
    await makeEnvFile(join(folder, '.env'));
    await writeFile(file, broken(text, 'read_only: true', 'read_olny: true'));
    expect((await composeConfig(join(folder, '.env'), file)).code).not.toBe(0);
  });

  it.each([
    ['a key that the schema does not know', 'stop_signal: SIGQUIT', 'stop_signals: SIGQUIT'],
    ['a password', /\$\{POSTGRES_PASSWORD:\?[^}]*\}/, 'hunter2'],
    ['a password in a URL', /\$\{REDIS_PASSWORD:\?[^}]*\}@/, 'hunter2@'],
    ['a queue that may evict', '--maxmemory-policy noeviction', '--maxmemory-policy allkeys-lru'],
    ['a queue that is not kept', '--appendonly yes', '--appendonly no'],
    ['services that do not wait for the migration', 'service_completed_successfully', 'service_started'],
    ['a file system that can be written', 'read_only: true', 'read_only: false'],
    ['capabilities', 'cap_drop: [ALL]', 'cap_drop: [NET_RAW]'],
    ['no limit of memory', '  mem_limit: 512m\n', ''],
    ['less memory than the heap may have', '  mem_limit: 512m\n', '  mem_limit: 384m\n'],
    ['a store that is published', "'127.0.0.1:9090:9090'", "'9090:9090'"],
    ['an image of no version', 'prom/prometheus:v2.55.1', 'prom/prometheus:latest'],
    ['an address that another may have taken', ', ip_range: 172.29.7.128/25', ''],
    ['an address that is given out', 'ip_range: 172.29.7.128/25', 'ip_range: 172.29.7.0/25'],
    ['two with one address', '172.29.7.4 }', '172.29.7.3 }'],
    ['one behind the gateway that may move', '    networks: { inside: { ipv4_address: 172.29.7.5 } }\n', ''],
    [
      'a proxy that is believed and is not there',
      'TRUSTED_PROXIES: 172.29.7.2',
      'TRUSTED_PROXIES: 172.29.7.3',
    ],
    ['a service that is gone', / {2}booking-api-2:\n.*\n.*\n/, ''],
  ])('%s', async (_, from, to) => {
    expect(await checkCompose(broken(text, from, to))).not.toEqual([]);
  });
});

describe('the manifests are refused with', () => {
  it.each([
    ['text for a number', 'base/payment-api.yml', 'replicas: 2', "replicas: 'two'"],
    [
      'a kind that there is not',
      'base/gateway.yml',
      'kind: PodDisruptionBudget',
      'kind: PodDisruptionBudgets',
    ],
    ['one replica', 'base/expiry-worker.yml', 'replicas: 2', 'replicas: 1'],
    ['no readiness', 'base/booking-api.yml', 'path: /health/ready', 'path: /health/live'],
    [
      'a life that depends on PostgreSQL',
      'base/booking-api.yml',
      /(livenessProbe:\n\s+httpGet: \{ path: )\/health\/live/,
      '$1/health/ready',
    ],
    ['root', 'base/booking-api.yml', 'runAsNonRoot: true', 'runAsNonRoot: false'],
    ['less memory than the heap may have', 'base/payment-api.yml', 'memory: 512Mi', 'memory: 384Mi'],
    [
      'a file system that can be written',
      'base/booking-api.yml',
      'readOnlyRootFilesystem: true',
      'readOnlyRootFilesystem: false',
    ],
    [
      'no time to finish',
      'base/booking-api.yml',
      'terminationGracePeriodSeconds: 30',
      'terminationGracePeriodSeconds: 5',
    ],
    [
      'a budget for nobody',
      'base/payment-api.yml',
      /(kind: PodDisruptionBudget[^]*?name: )payment-api \}/,
      '$1payment }',
    ],
    ['a gateway that stops at once', 'base/gateway.yml', 'preStop:', 'postStart:'],
    [
      'a secret',
      'migration/migrate.yml',
      /valueFrom: .*ticketing-owner.*/,
      'value: postgres://owner:hunter2@db/ticketing',
    ],
  ])('%s', async (_, file, from, to) => {
    const folder = await copyBroken('kubernetes', file, from, to);
    expect(checkManifests(await readManifests(folder))).not.toEqual([]);
  });

  it('a file that kustomize does not find, where there is a kubectl', async ({ skip }) => {
    if (!(await hasKubectl())) return skip('there is no kubectl');
    const folder = await copyBroken(
      'kubernetes',
      'base/kustomization.yml',
      'payment-api.yml',
      'payments-api.yml',
    );
    await cp(join(repositoryRoot, 'infra/gateway'), join(dirname(folder), 'gateway'), { recursive: true });
    expect((await kustomize('production', folder)).code).not.toBe(0);
  });
});
