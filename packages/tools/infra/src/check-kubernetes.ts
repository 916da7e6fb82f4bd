import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { repositoryRoot, runCommand } from '@ticketing/testkit';
import { parseAllDocuments } from 'yaml';
import { leavesRoom } from './leaves-room.ts';
import type { ToolVerdict } from './tools.ts';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template?: {
      readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
      readonly spec: PodSpec;
    };
  };
}

interface PodSpec {
  readonly terminationGracePeriodSeconds?: number;
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: { readonly runAsNonRoot?: boolean; readonly runAsUser?: number };
  readonly containers: readonly Container[];
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly lifecycle?: { readonly preStop?: unknown };
  readonly readinessProbe?: { readonly httpGet?: { readonly path: string } };
  readonly livenessProbe?: { readonly httpGet?: { readonly path: string } };
  readonly resources?: { readonly requests?: unknown; readonly limits?: { readonly memory?: string } };
  readonly securityContext?: {
    readonly readOnlyRootFilesystem?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly capabilities?: { readonly drop?: readonly string[] };
  };
}

const folder = join(repositoryRoot, 'infra/kubernetes');

/** `kubectl kustomize`, where there is a kubectl. @param name `production` or `migration` */
export async function kustomize(name: string, from = folder): Promise<ToolVerdict> {
  return runCommand(['kubectl', 'kustomize', join(from, name)]);
}

export async function hasKubectl(): Promise<boolean> {
  try {
    return (await runCommand(['kubectl', 'version', '--client'])).code === 0;
  } catch {
    // It is no package of Debian's: a machine without it checks the files that kubectl would put together.
    return false;
  }
}

/** What the files describe before kustomize puts them together. */
export async function readManifests(from = folder): Promise<Manifest[]> {
  const paths = await Promise.all(
    ['base', 'migration'].map(async (name) => {
      const files = (await readdir(join(from, name))).toSorted();
      return files
        .filter((file) => file.endsWith('.yml') && file !== 'kustomization.yml')
        .map((file) => join(from, name, file));
    }),
  );
  const texts = await Promise.all(paths.flat().map((path) => readFile(path, 'utf8')));
  return texts.flatMap(parseManifests);
}

export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { merge: true })
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

const load = createRequire(import.meta.url);

/** The schemas of Kubernetes, and what a reader would look for. @returns sentences; none when all is well */
export function checkManifests(manifests: readonly Manifest[]): string[] {
  const faults = manifests.flatMap(checkSchema);
  const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget');
  for (const manifest of manifests) {
    const { kind, metadata, spec } = manifest;
    const pod = spec?.template?.spec;
    if (kind === 'Secret') faults.push(`the secret ${metadata.name} is written out`);
    if (pod === undefined) continue;
    faults.push(...checkPod(metadata.name, pod));
    if (kind !== 'Deployment') continue;
    const labels = JSON.stringify(spec?.selector?.matchLabels);
    if ((spec?.replicas ?? 1) < 2) faults.push(`${metadata.name} has no second one`);
    if (labels !== JSON.stringify(pickLabels(spec?.template?.metadata?.labels))) {
      faults.push(`${metadata.name} does not select its own pods`);
    }
    if (!budgets.some((budget) => JSON.stringify(budget.spec?.selector?.matchLabels) === labels)) {
      faults.push(`${metadata.name} has no disruption budget`);
    }
    faults.push(...checkService(metadata.name, pod));
  }
  return faults;
}

function pickLabels(labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  const name = labels['app.kubernetes.io/name'];
  return name === undefined ? {} : { 'app.kubernetes.io/name': name };
}

function checkPod(name: string, pod: PodSpec): string[] {
  const faults: string[] = [];
  if (pod.securityContext?.runAsNonRoot !== true) faults.push(`${name} may run as root`);
  if (pod.automountServiceAccountToken !== false) faults.push(`${name} is given a token of the cluster`);
  for (const { env = [], resources, securityContext } of pod.containers) {
    if (resources?.limits?.memory === undefined || resources.requests === undefined)
      faults.push(`${name} has no limits`);
    if (securityContext?.readOnlyRootFilesystem !== true) faults.push(`${name} may write on its file system`);
    if (securityContext?.allowPrivilegeEscalation !== false) faults.push(`${name} may gain rights`);
    if (!(securityContext?.capabilities?.drop ?? []).includes('ALL'))
      faults.push(`${name} keeps capabilities`);
    for (const variable of env) {
      if (/URL|SECRET|PASSWORD/.test(variable.name) && variable.value !== undefined) {
        faults.push(`${name} has ${variable.name} written out`);
      }
    }
  }
  return faults;
}

/** A pod is taken out of its Service while it still serves, and has the time to finish. */
function checkService(name: string, pod: PodSpec): string[] {
  const faults: string[] = [];
  // SHUTDOWN_DELAY_SECONDS is 8; a service then needs 10 s at most.
  if ((pod.terminationGracePeriodSeconds ?? 30) < 20) faults.push(`${name} is killed before it can be done`);
  for (const { readinessProbe, livenessProbe, lifecycle, resources } of pod.containers) {
    const isGateway = name === 'gateway';
    if (!isGateway && !leavesRoom(resources?.limits?.memory ?? ''))
      faults.push(`${name} has no room for its heap`);
    const ready = isGateway ? '/health/live' : '/health/ready';
    if (readinessProbe?.httpGet?.path !== ready) faults.push(`${name} is not asked whether it is ready`);
    if (livenessProbe?.httpGet?.path !== '/health/live') faults.push(`${name} is not asked whether it lives`);
    if (isGateway && lifecycle?.preStop === undefined) faults.push('gateway stops while it is still asked');
  }
  return faults;
}

function checkSchema(manifest: Manifest): string[] {
  const { apiVersion, kind } = manifest;
  try {
    const models = load(`kubernetes-models/${apiVersion}/${kind}`) as Record<
      string,
      new (data: unknown) => { validate: () => void }
    >;
    const Model = models[kind];
    if (Model === undefined) return [`there is no ${apiVersion} ${kind}`];
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [`${kind} ${manifest.metadata.name}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
