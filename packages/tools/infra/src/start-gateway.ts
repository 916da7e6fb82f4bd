import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import getPort from 'get-port';
import { repositoryRoot, startProgram, waitFor, type RunningProgram } from '@ticketing/testkit';
import { findTool, type ToolVerdict } from './tools.ts';

export interface GatewayOptions {
  /** Its own; made if it is not there. */
  readonly folder: string;
  readonly bookingPorts: readonly number[];
  readonly paymentPorts: readonly number[];
  /** Where clients come in, if it is free; else, and unless given, any. */
  readonly port?: number;
  /** Changes a file before it is used, to show what a check would find. */
  readonly edit?: (text: string) => string;
  /** Which one that is; nginx.conf unless given. */
  readonly edited?: 'nginx.conf' | 'environment/upstreams.conf';
}

export interface Gateway extends AsyncDisposable {
  readonly url: string;
  /** Of its second server, for those inside. */
  readonly insideUrl: string;
  readonly port: number;
  readonly program: RunningProgram;
}

const artefact = join(repositoryRoot, 'infra/gateway');

/** The real nginx with infra/gateway/nginx.conf as it is; only its environment is that of this machine. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { folder } = options;
  const port = await getPort({ host: '127.0.0.1', ...(options.port && { port: options.port }) });
  const insidePort = await getPort({ host: '127.0.0.1' });
  const config = await writeGatewayConfig(options, { port, insidePort });
  const nginx = await findTool('nginx');
  const program = await startProgram({
    folder: join(folder, 'run'),
    command: [...nginx.command, ...nginxArguments(join(folder, 'run'), config), '-g', 'daemon off;'],
    env: nginx.env,
    stopSignal: 'SIGQUIT',
  });
  const insideUrl = `http://127.0.0.1:${insidePort}`;
  try {
    await waitFor(async () => program.process.hasExited() || (await fetch(`${insideUrl}/health/live`)).ok, {
      description: 'the gateway to listen',
    });
    if (program.process.hasExited()) throw new Error('the gateway ended while starting');
  } catch (error) {
    await program.stop();
    throw new Error(`${String(error)}\n${program.tail()}`, { cause: error });
  }
  return {
    url: `http://127.0.0.1:${port}`,
    insideUrl,
    port,
    program,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** nginx's own judgement of the configuration: `nginx -t`. */
export async function checkGatewayConfig(options: GatewayOptions): Promise<ToolVerdict> {
  const config = await writeGatewayConfig(options, { port: 8080, insidePort: 8081 });
  const nginx = await findTool('nginx');
  const folder = join(options.folder, 'run');
  // With a file as its output: it opens /dev/stdout, which for a pipe of ours it could not.
  await using program = await startProgram({
    folder,
    command: [...nginx.command, '-t', ...nginxArguments(folder, config)],
    env: nginx.env,
  });
  const { code } = await program.process.exited;
  return { code, output: program.tail() };
}

function nginxArguments(prefix: string, config: string): string[] {
  return ['-p', `${prefix}/`, '-e', 'stderr', '-c', config];
}

/** @returns the path of the configuration */
async function writeGatewayConfig(
  { folder, bookingPorts, paymentPorts, edit = (text) => text, edited = 'nginx.conf' }: GatewayOptions,
  { port, insidePort }: { readonly port: number; readonly insidePort: number },
): Promise<string> {
  const copy = join(folder, 'gateway');
  await cp(artefact, copy, { recursive: true });
  const config = join(copy, 'nginx.conf');
  await rewrite(join(copy, edited), edit);
  await rewrite(join(copy, 'environment/listen.conf'), (text) => text.replace('8080', `127.0.0.1:${port}`));
  await rewrite(join(copy, 'environment/listen-inside.conf'), (text) =>
    text.replace('8081', `127.0.0.1:${insidePort}`),
  );
  // One machine has one address: clients say theirs as behind a balancer.
  await rewrite(join(copy, 'environment/clients.conf'), (text) =>
    text.replaceAll('# set', 'set').replaceAll('# real', 'real').replace('10.0.0.0/8', '127.0.0.1'),
  );
  await rewrite(join(copy, 'environment/upstreams.conf'), (text) =>
    withServers(withServers(text, 'booking_api', bookingPorts), 'payment_api', paymentPorts),
  );
  return config;
}

async function rewrite(path: string, edit: (text: string) => string): Promise<void> {
  await writeFile(path, edit(await readFile(path, 'utf8')));
}

/** The same upstream with as many servers, each with the parameters that the file gives to its first. */
function withServers(text: string, upstream: string, ports: readonly number[]): string {
  const block = new RegExp(String.raw`(upstream ${upstream} \{[^}]*?)((?: *server [^\n]+\n)+)`);
  return text.replace(block, (_, before: string, servers: string) => {
    const parameters = /server \S+(?<parameters>[^;\n]*);/.exec(servers)?.groups?.['parameters'] ?? '';
    return `${before}${ports.map((port) => `    server 127.0.0.1:${port}${parameters};\n`).join('')}`;
  });
}
