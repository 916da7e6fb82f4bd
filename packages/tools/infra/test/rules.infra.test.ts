import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '@ticketing/testkit';
import { describe, expect, it } from 'vitest';
import { composeAddresses } from '../src/check-compose.ts';
import { checkGrafana } from '../src/check-grafana.ts';
import { readManifests } from '../src/check-kubernetes.ts';
import { checkAlertLinks, checkConfig, readTargets, testRules } from '../src/check-prometheus.ts';
import { answerDiscovery, discoverPods } from '../src/discover-pods.ts';
import { readDashboards } from '../src/read-dashboards.ts';
import { makeRunFolder } from './run-folder.ts';

const folder = join(repositoryRoot, 'infra/prometheus');
const readRunbook = () => readFile(join(repositoryRoot, 'docs/runbook.md'), 'utf8');

describe('what Prometheus is given', () => {
  it('is read by promtool: scrape configuration and rules', async () => {
    expect(await checkConfig(folder)).toMatchObject({ code: 0 });
  });

  it('names every process of docker-compose.yml, and no other', async () => {
    expect(await readTargets(folder)).toEqual(await composeAddresses());
  });

  it('finds the three services among the pods of a cluster, and calls them what the rules do', async () => {
    const copy = await answerDiscovery(folder, await readManifests(), await makeRunFolder('discovery'));
    expect(await checkConfig(copy, 'kubernetes.yml')).toMatchObject({ code: 0 });
    expect(await discoverPods(copy)).toEqual([
      { job: 'booking-api', instance: 'booking-api-1', address: '10.0.0.1:3001' },
      { job: 'payment-api', instance: 'payment-api-1', address: '10.0.0.1:3002' },
      { job: 'expiry-worker', instance: 'expiry-worker-1', address: '10.0.0.1:3003' },
    ]);
  });

  it('fires as its unit tests say', async () => {
    expect(await testRules(folder)).toMatchObject({ code: 0 });
  });

  it('has a unit test in which each alert fires, and a section of the runbook for each', async () => {
    expect(await checkAlertLinks(folder, await readRunbook())).toEqual([]);
  });

  it('is shown by dashboards whose source, paths and names Grafana is given', async () => {
    const compose = await readFile(join(repositoryRoot, 'docker-compose.yml'), 'utf8');
    expect(await checkGrafana(join(repositoryRoot, 'infra/grafana'), compose)).toEqual([]);
  });

  it('is shown by two dashboards', async () => {
    const titles = new Set((await readDashboards()).map(({ dashboard }) => dashboard));
    expect([...titles]).toEqual(['On-sale', 'Queue, expiry and stores']);
  });
});
