import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import getPort from 'get-port';
import { repositoryRoot, type RunningProgram } from '@ticketing/testkit';
import { parse, stringify } from 'yaml';
import type { ScrapeConfig } from './checks/prometheus.ts';
import { findTool, startServer } from './tools.ts';

export interface PrometheusOptions {
  /** A folder of its own, made if it is not there. */
  readonly folder: string;
  /** The processes of each job, in place of the addresses that the file names. */
  readonly targets: Readonly<Record<string, readonly { readonly port: number }[]>>;
  /** Where it listens, if it is free; else, and unless given, any free port. */
  readonly port?: number;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus extends AsyncDisposable {
  readonly program: RunningProgram;
  readonly url: string;
  /** @throws Error when Prometheus does not understand the query */
  readonly query: (expression: string) => Promise<Sample[]>;
  /** @returns the names of the alerts; one that is pending waits for its `for` */
  readonly listAlerts: (state: 'pending' | 'firing') => Promise<string[]>;
}

/** Starts the real Prometheus with infra/prometheus as it is, but for the addresses, and reads metrics each second. */
export async function startPrometheus({
  folder,
  targets,
  port: wanted,
}: PrometheusOptions): Promise<Prometheus> {
  const port = await getPort({ host: '127.0.0.1', ...(wanted !== undefined && { port: wanted }) });
  const config = join(folder, 'prometheus');
  await cp(join(repositoryRoot, 'infra/prometheus'), config, { recursive: true });
  const file = join(config, 'prometheus.yml');
  const written = parse(await readFile(file, 'utf8')) as ScrapeConfig;
  await writeFile(file, stringify(withTargets(written, { ...targets, prometheus: [{ port }] })));
  const [url, run] = [`http://127.0.0.1:${port}`, join(folder, 'run')];
  const { command, env } = await findTool('prometheus');
  const program = await startServer({
    folder: run,
    command: [
      ...command,
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(run, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    env,
    readyUrl: `${url}/-/ready`,
  });
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${path}`);
    const body = (await response.json()) as { status: string; error?: string; data: T };
    if (body.status !== 'success') throw new Error(`Prometheus: ${body.error ?? response.status}`);
    return body.data;
  };
  return {
    program,
    url,
    query: async (expression) => {
      const { result } = await ask<{ result: { metric: Sample['labels']; value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(expression)}`,
      );
      return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
    },
    listAlerts: async (wantedState) => {
      const { alerts } = await ask<{ alerts: { state: string; labels: { alertname: string } }[] }>('alerts');
      return alerts.filter(({ state }) => state === wantedState).map(({ labels }) => labels.alertname);
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** @throws Error when the file names other jobs: one that is not scraped here would be unchecked */
function withTargets(config: ScrapeConfig, targets: PrometheusOptions['targets']): object {
  const named = config.scrape_configs.map(({ job_name: job }) => job);
  if (named.toSorted().join() !== Object.keys(targets).toSorted().join())
    throw new Error(`prometheus.yml names the jobs ${named.join(', ')}`);
  return {
    ...config,
    global: { ...config.global, scrape_interval: '1s', evaluation_interval: '1s' },
    scrape_configs: config.scrape_configs.map((job) => ({
      ...job,
      static_configs: [{ targets: targets[job.job_name]?.map(({ port }) => `127.0.0.1:${port}`) }],
    })),
  };
}
