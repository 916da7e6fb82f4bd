import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { findTool, runTool, type ToolVerdict } from '../tools.ts';
import { findings } from './findings.ts';
import type { Manifest } from './kubernetes.ts';

/** A scrape configuration of Prometheus, as far as it is read here. */
export interface ScrapeConfig {
  global: object;
  scrape_configs: {
    job_name: string;
    static_configs?: { targets: string[] }[];
    kubernetes_sd_configs?: unknown;
  }[];
}

interface Rules {
  groups: { rules: { alert: string; annotations: { runbook?: string } }[] }[];
}

interface RuleTests {
  tests: { alert_rule_test?: { alertname: string; exp_alerts: object[] }[] }[];
}

async function readYaml<T>(...path: readonly string[]): Promise<T> {
  return parse(await readFile(join(...path), 'utf8')) as T;
}

async function promtool(args: readonly string[]): Promise<ToolVerdict> {
  return runTool(await findTool('promtool'), args);
}

/** `promtool check config`, which also reads the rules that the file names. @param folder like infra/prometheus */
export function checkConfig(folder: string, file = 'prometheus.yml'): Promise<ToolVerdict> {
  return promtool(['check', 'config', join(folder, file)]);
}

/** `promtool test rules`. */
export function testRules(folder: string): Promise<ToolVerdict> {
  return promtool(['test', 'rules', join(folder, 'tests/alerts.test.yml')]);
}

/** @returns the services that prometheus.yml names: "payment-api:3002" */
export async function readTargets(folder: string): Promise<string[]> {
  const { scrape_configs: jobs } = await readYaml<ScrapeConfig>(folder, 'prometheus.yml');
  return jobs
    .flatMap(({ static_configs: groups = [] }) => groups.flatMap(({ targets }) => targets))
    .filter((target) => !target.startsWith('localhost:'));
}

/** Checks that a unit test sees each alert fire, and that alerts and sections of the runbook link each other. */
export async function checkAlertLinks(folder: string, runbook: string): Promise<string[]> {
  const { groups } = await readYaml<Rules>(folder, 'rules/alerts.yml');
  const { tests } = await readYaml<RuleTests>(folder, 'tests/alerts.test.yml');
  const alerts = groups.flatMap(({ rules }) => rules);
  const fired = tests
    .flatMap(({ alert_rule_test: expectations = [] }) => expectations)
    .filter(({ exp_alerts: expected }) => expected.length > 0)
    .map(({ alertname }) => alertname);
  const sections = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name!);
  return [
    ...findings({ 'there are no alerts': alerts.length === 0 }),
    ...alerts.flatMap(({ alert, annotations: { runbook: link } }) =>
      findings({
        [`docs/runbook.md has no section ${alert}`]: !sections.includes(alert),
        [`${alert} links ${link}`]: link !== `docs/runbook.md#${alert.toLowerCase()}`,
        [`no unit test sees ${alert} fire`]: !fired.includes(alert),
      }),
    ),
    ...sections
      .filter((name) => !alerts.some(({ alert }) => alert === name))
      .map((name) => `no alert links the section ${name}`),
  ];
}

/**
 * Lets `promtool check service-discovery` relabel the pods of these manifests by kubernetes.yml. Debian builds
 * Prometheus without Kubernetes: the question to the cluster is compared, and replaced by what a cluster would answer.
 *
 * @param copy an empty folder
 * @throws Error when kubernetes.yml does not ask for the pods of the namespace "ticketing"
 */
export async function discoverPods(
  folder: string,
  manifests: readonly Manifest[],
  copy: string,
): Promise<{ readonly job: string; readonly instance: string; readonly address: string }[]> {
  await cp(folder, copy, { recursive: true });
  const file = join(copy, 'kubernetes.yml');
  const { scrape_configs: jobs, ...config } = await readYaml<ScrapeConfig>(file);
  const question = JSON.stringify([{ role: 'pod', namespaces: { names: ['ticketing'] } }]);
  const answered = jobs.map(({ kubernetes_sd_configs: asked, ...job }) => {
    if (JSON.stringify(asked) !== question)
      throw new Error('kubernetes.yml does not ask for the pods of "ticketing"');
    return { ...job, static_configs: manifests.flatMap(portsOf) };
  });
  await writeFile(file, stringify({ ...config, scrape_configs: answered }));
  const { code, output: verdict } = await checkConfig(copy, 'kubernetes.yml');
  if (code !== 0) throw new Error(verdict);
  const { output } = await promtool(['check', 'service-discovery', '--timeout=1s', file, 'ticketing']);
  return (JSON.parse(output) as { labels: Record<string, string> }[])
    .filter(({ labels }) => labels['__address__'] !== undefined)
    .map(({ labels: { job = '', instance = '', __address__: address = '' } }) => ({ job, instance, address }))
    .toSorted((a, b) => a.address.localeCompare(b.address));
}

/** @returns each port of the pods, with the labels that a cluster gives it */
function portsOf({ metadata, spec }: Manifest): object[] {
  const { metadata: { labels } = {}, spec: pod } = spec?.template ?? {};
  const ports = pod?.containers.flatMap((container) => container.ports ?? []) ?? [];
  return ports.map(({ name, containerPort }) => ({
    targets: [`10.0.0.1:${containerPort}`],
    labels: {
      __meta_kubernetes_pod_name: `${metadata.name}-1`,
      __meta_kubernetes_pod_label_app_kubernetes_io_name: labels?.['app.kubernetes.io/name'] ?? '',
      __meta_kubernetes_pod_container_port_name: name,
    },
  }));
}
