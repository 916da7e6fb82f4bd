import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from './check-kubernetes.ts';
import { runPromtool } from './start-prometheus.ts';

export interface Target {
  readonly job: string;
  readonly instance: string;
  readonly address: string;
}

/** Debian's Prometheus is built without this question, so it is compared word for word; all else goes to the tool. */
const question = `kubernetes_sd_configs:
      - role: pod
        namespaces: { names: [ticketing] }
`;

/**
 * A copy of infra/prometheus whose kubernetes.yml has, in place of the question to a cluster, what a cluster with these
 * manifests would answer.
 *
 * @throws when it asks something else
 */
export async function answerDiscovery(
  folder: string,
  manifests: readonly Manifest[],
  copy: string,
): Promise<string> {
  await cp(folder, copy, { recursive: true });
  const config = join(copy, 'kubernetes.yml');
  const text = await readFile(config, 'utf8');
  if (!text.includes(question)) throw new Error('kubernetes.yml does not ask for the pods of "ticketing"');
  const answer = JSON.stringify(manifests.flatMap(portsOf));
  await writeFile(config, text.replace(question, `static_configs: ${answer}\n`));
  return copy;
}

/** Whom Prometheus would then read, and under which names: `promtool check service-discovery`. */
export async function discoverPods(folder: string): Promise<Target[]> {
  const config = join(folder, 'kubernetes.yml');
  const { output } = await runPromtool(['check', 'service-discovery', '--timeout=1s', config, 'ticketing']);
  const found = JSON.parse(output) as { labels: Record<string, string> }[];
  return found
    .filter(({ labels }) => labels['__address__'] !== undefined)
    .map(({ labels: { job = '', instance = '', __address__: address = '' } }) => ({ job, instance, address }))
    .toSorted((a, b) => a.address.localeCompare(b.address));
}

/** Each port of a pod, with the labels that a cluster gives it. */
function portsOf({ metadata, spec }: Manifest): object[] {
  const pod = spec?.template;
  if (pod === undefined) return [];
  return pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.map(({ name, containerPort }) => ({
      targets: [`10.0.0.1:${containerPort}`],
      labels: {
        __meta_kubernetes_pod_name: `${metadata.name}-1`,
        __meta_kubernetes_pod_label_app_kubernetes_io_name:
          pod.metadata?.labels?.['app.kubernetes.io/name'] ?? '',
        __meta_kubernetes_pod_container_port_name: name,
      },
    })),
  );
}
