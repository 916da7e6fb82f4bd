import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import getPort from 'get-port';
import { repositoryRoot, startProgram, waitFor, type RunningProgram } from '@ticketing/testkit';
import { findTool, runTool, type ToolVerdict } from './tools.ts';

export interface PrometheusOptions {
  /** Its own; made if it is not there. */
  readonly folder: string;
  /** In place of the addresses that the file names, by job: "127.0.0.1:49152". */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  /** Where it listens, if it is free; else, and unless given, any. */
  readonly port?: number;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970, and the value. */
  readonly points: readonly (readonly [at: number, value: number])[];
}

export interface Prometheus extends AsyncDisposable {
  readonly program: RunningProgram;
  readonly url: string;
  /** @throws when Prometheus does not understand the query */
  readonly query: (expression: string) => Promise<Sample[]>;
  readonly queryRange: (expression: string, from: number, to: number, step: number) => Promise<Sample[]>;
  /** Their names; one that is pending waits for its `for`. */
  readonly listAlerts: (wanted: 'pending' | 'firing') => Promise<string[]>;
}

const artefact = join(repositoryRoot, 'infra/prometheus');

/** The real Prometheus with infra/prometheus as it is, but for the addresses, and asking each second. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { folder, targets } = options;
  const port = await getPort({ host: '127.0.0.1', ...(options.port && { port: options.port }) });
  const config = join(folder, 'prometheus');
  await cp(artefact, config, { recursive: true });
  await edit(join(config, 'prometheus.yml'), (text) =>
    withTargets(text, { ...targets, prometheus: [`127.0.0.1:${port}`] }),
  );
  const tool = await findTool('prometheus');
  const program = await startProgram({
    folder: join(folder, 'run'),
    command: [
      ...tool.command,
      `--config.file=${join(config, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'run', 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    env: tool.env,
  });
  const url = `http://127.0.0.1:${port}`;
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${path}`);
    const body = (await response.json()) as { status: string; error?: string; data: T };
    if (body.status !== 'success') throw new Error(`Prometheus: ${body.error ?? response.status}`);
    return body.data;
  };
  try {
    await waitFor(async () => program.process.hasExited() || (await fetch(`${url}/-/ready`)).ok, {
      description: 'Prometheus to be ready',
      timeoutMs: 20_000,
    });
    if (program.process.hasExited()) throw new Error('Prometheus ended while starting');
  } catch (error) {
    await program.stop();
    throw new Error(`${String(error)}\n${program.tail()}`, { cause: error });
  }
  return {
    program,
    url,
    query: async (expression) => {
      const { result } = await ask<{ result: VectorEntry[] }>(
        `query?query=${encodeURIComponent(expression)}`,
      );
      return result.map(({ metric, value }) => ({ labels: metric, points: [toPoint(value)] }));
    },
    queryRange: async (expression, from, to, step) => {
      const query = `query_range?query=${encodeURIComponent(expression)}&start=${from}&end=${to}&step=${step}`;
      const { result } = await ask<{ result: MatrixEntry[] }>(query);
      return result.map(({ metric, values }) => ({ labels: metric, points: values.map(toPoint) }));
    },
    listAlerts: async (wanted) => {
      const { alerts } = await ask<{ alerts: { state: string; labels: { alertname: string } }[] }>('alerts');
      return alerts.filter(({ state }) => state === wanted).map(({ labels }) => labels.alertname);
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** `promtool` on a file of the repository: `check config`, `check rules`, `test rules`. */
export async function runPromtool(args: readonly string[]): Promise<ToolVerdict> {
  return runTool(await findTool('promtool'), args);
}

interface VectorEntry {
  readonly metric: Record<string, string>;
  readonly value: readonly [number, string];
}

interface MatrixEntry {
  readonly metric: Record<string, string>;
  readonly values: readonly (readonly [number, string])[];
}

function toPoint([at, value]: readonly [number, string]): readonly [number, number] {
  return [at, Number(value)];
}

/** @throws when the file does not name exactly these jobs: what is not scraped here would be unchecked */
function withTargets(text: string, targets: Readonly<Record<string, readonly string[]>>): string {
  const named = [...text.matchAll(/job_name: (\S+)/g)].map(([, job]) => job ?? '');
  const wanted = Object.keys(targets);
  if (named.length !== wanted.length || !named.every((job) => wanted.includes(job))) {
    throw new Error(`prometheus.yml names the jobs ${named.join(', ')}`);
  }
  const replaced = text.replaceAll(
    /(job_name: (\S+)\n +static_configs:\n +- targets: )\[[^\]]*\]/g,
    (_, before: string, job: string) => `${before}[${(targets[job] ?? []).join(', ')}]`,
  );
  return replaced.replaceAll(/(scrape_interval|evaluation_interval): 5s/g, '$1: 1s');
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(path, change(await readFile(path, 'utf8')));
}
