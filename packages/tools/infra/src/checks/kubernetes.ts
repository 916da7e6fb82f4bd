import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { repositoryRoot, runCommand } from '@ticketing/testkit';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import { parseAllDocuments } from 'yaml';
import type { ToolVerdict } from '../tools.ts';
import { findings, hasHeapRoom } from './findings.ts';

/** A document of any kind; `checkManifests` compares it with the schema of its kind first. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Partial<NonNullable<IDeployment['spec']>>;
}

const folder = join(repositoryRoot, 'infra/kubernetes');

/**
 * `kubectl kustomize`.
 *
 * @param name `production` or `migration`
 * @returns undefined on a machine without kubectl (Debian has no package); its files are still checked one by one
 */
export async function kustomize(name: string): Promise<ToolVerdict | undefined> {
  return runCommand(['kubectl', 'kustomize', join(folder, name)]).catch(() => undefined);
}

/** @returns what the files describe before kustomize puts them together */
export async function readManifests(from = folder): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const name of ['base', 'migration']) {
    for (const file of (await readdir(join(from, name))).toSorted())
      if (file.endsWith('.yml') && file !== 'kustomization.yml')
        manifests.push(...parseManifests(await readFile(join(from, name, file), 'utf8')));
  }
  return manifests;
}

export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { merge: true })
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** Checks the schemas of Kubernetes, rights, probes, limits and budgets. @returns one sentence for each finding */
export function checkManifests(manifests: readonly Manifest[]): string[] {
  const budgets = manifests
    .filter(({ kind }) => kind === 'PodDisruptionBudget')
    .map(({ spec }) => JSON.stringify(spec?.selector?.matchLabels));
  return manifests.flatMap((manifest) => {
    const { kind, spec } = manifest;
    const { name } = manifest.metadata;
    const pod = spec?.template?.spec;
    const label = spec?.template?.metadata?.labels?.['app.kubernetes.io/name'];
    const selected = JSON.stringify(spec?.selector?.matchLabels);
    return [
      ...checkSchema(manifest),
      ...findings({ [`the secret ${name} is written out`]: kind === 'Secret' }),
      ...(pod === undefined ? [] : checkPod(name, pod)),
      ...(pod === undefined || kind !== 'Deployment' ? [] : checkService(name, pod)),
      ...findings({
        [`${name} has no second replica`]: kind === 'Deployment' && (spec?.replicas ?? 1) < 2,
        [`${name} does not select its own pods`]:
          kind === 'Deployment' && selected !== JSON.stringify({ 'app.kubernetes.io/name': label }),
        [`${name} has no disruption budget`]: kind === 'Deployment' && !budgets.includes(selected),
      }),
    ];
  });
}

function checkPod(name: string, pod: IPodSpec): string[] {
  const own = findings({
    [`${name} may run as root`]: pod.securityContext?.runAsNonRoot !== true,
    // A Service called booking-api would set BOOKING_API_PORT to tcp://address:port.
    [`${name} gets the service links of its namespace`]: pod.enableServiceLinks !== false,
    [`${name} gets a token of the cluster`]: pod.automountServiceAccountToken !== false,
  });
  return own.concat(
    pod.containers.flatMap(({ env = [], resources, securityContext }) =>
      findings({
        [`${name} has no limits`]:
          resources?.limits?.['memory'] === undefined || resources.requests === undefined,
        [`${name} may write on its file system`]: securityContext?.readOnlyRootFilesystem !== true,
        [`${name} may gain rights`]: securityContext?.allowPrivilegeEscalation !== false,
        [`${name} keeps capabilities`]: securityContext?.capabilities?.drop?.includes('ALL') !== true,
        [`${name} has a secret written out`]: env.some(
          (variable) => /URL|SECRET|PASSWORD/.test(variable.name) && variable.value !== undefined,
        ),
      }),
    ),
  );
}

/** A pod leaves its Service while it still serves, and has the time to finish. */
function checkService(name: string, pod: IPodSpec): string[] {
  const { containers, terminationGracePeriodSeconds: seconds = 30 } = pod;
  const isGateway = name === 'gateway';
  // SHUTDOWN_DELAY_SECONDS is 8; a service then needs 10 s at most.
  const own = findings({ [`${name} has no time to finish`]: seconds < 20 });
  return own.concat(
    containers.flatMap(({ readinessProbe, livenessProbe, lifecycle, resources }) =>
      findings({
        [`${name} has no room for its heap`]: !isGateway && !hasHeapRoom(resources?.limits?.['memory']),
        [`${name} has no probe of readiness`]:
          readinessProbe?.httpGet?.path !== (isGateway ? '/health/live' : '/health/ready'),
        [`${name} has no probe of liveness, or one that depends on PostgreSQL`]:
          livenessProbe?.httpGet?.path !== '/health/live',
        [`${name} stops while requests still arrive`]: isGateway && lifecycle?.preStop === undefined,
      }),
    ),
  );
}

const load = createRequire(import.meta.url);

function checkSchema(manifest: Manifest): string[] {
  const { apiVersion, kind, metadata } = manifest;
  try {
    const models = load(`kubernetes-models/${apiVersion}/${kind}`) as Record<
      string,
      new (data: unknown) => { validate: () => void }
    >;
    new models[kind]!(manifest).validate();
    return [];
  } catch (error) {
    return [`${kind} ${metadata.name}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
