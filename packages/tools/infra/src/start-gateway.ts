import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import getPort from 'get-port';
import { repositoryRoot, startProgram, type RunningProgram } from '@ticketing/testkit';
import { findTool, startServer, type ToolVerdict } from './tools.ts';

export interface GatewayOptions {
  /** A folder of its own, made if it is not there. */
  readonly folder: string;
  readonly bookingPorts: readonly number[];
  readonly paymentPorts: readonly number[];
  /** Where clients come in, if it is free; else, and unless given, any free port. */
  readonly port?: number;
  /** Changes nginx.conf, for a negative test. */
  readonly edit?: (text: string) => string;
}

export interface Gateway extends AsyncDisposable {
  readonly url: string;
  /** Of its second server, which is not published. */
  readonly insideUrl: string;
  readonly port: number;
  readonly program: RunningProgram;
}

/** Starts the real nginx with infra/gateway/nginx.conf as it is; only its folder "environment" is edited for this machine. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const port = await getPort({ host: '127.0.0.1', ...(options.port && { port: options.port }) });
  const insidePort = await getPort({ host: '127.0.0.1' });
  const config = await writeGatewayConfig(options, port, insidePort);
  const insideUrl = `http://127.0.0.1:${insidePort}`;
  const folder = join(options.folder, 'run');
  const { command, env } = await findTool('nginx');
  const program = await startServer({
    folder,
    command: [...command, ...nginxArguments(folder, config), '-g', 'daemon off;'],
    env,
    stopSignal: 'SIGQUIT',
    readyUrl: `${insideUrl}/health/live`,
  });
  const dispose = () => program[Symbol.asyncDispose]();
  return { url: `http://127.0.0.1:${port}`, insideUrl, port, program, [Symbol.asyncDispose]: dispose };
}

/** Checks the configuration by `nginx -t`. */
export async function checkGatewayConfig(options: GatewayOptions): Promise<ToolVerdict> {
  const folder = join(options.folder, 'run');
  const config = await writeGatewayConfig(options, 8080, 8081);
  const { command, env } = await findTool('nginx');
  // As a program with a file for its output: nginx opens /dev/stdout, which it cannot where that is a pipe.
  const args = ['-t', ...nginxArguments(folder, config)];
  await using program = await startProgram({ folder, command: [...command, ...args], env });
  const { code } = await program.process.exited;
  return { code, output: program.tail() };
}

function nginxArguments(prefix: string, config: string): string[] {
  return ['-p', `${prefix}/`, '-e', 'stderr', '-c', config];
}

/** @returns the path of the configuration */
async function writeGatewayConfig(
  { folder, bookingPorts, paymentPorts, edit = (text) => text }: GatewayOptions,
  port: number,
  insidePort: number,
): Promise<string> {
  const copy = join(folder, 'gateway');
  await cp(join(repositoryRoot, 'infra/gateway'), copy, { recursive: true });
  const rewrite = async (file: string, change: (text: string) => string): Promise<void> => {
    const path = join(copy, file);
    await writeFile(path, change(await readFile(path, 'utf8')));
  };
  await rewrite('nginx.conf', edit);
  await rewrite('environment/listen.conf', (text) => text.replace('8080', `127.0.0.1:${port}`));
  await rewrite('environment/listen-inside.conf', (text) => text.replace('8081', `127.0.0.1:${insidePort}`));
  // One machine has one address: clients name theirs as a balancer in front would.
  await rewrite('environment/clients.conf', (text) =>
    text.replaceAll('# set', 'set').replaceAll('# real', 'real').replace('10.0.0.0/8', '127.0.0.1'),
  );
  await rewrite('environment/upstreams.conf', (text) =>
    withServers(withServers(text, 'booking_api', bookingPorts), 'payment_api', paymentPorts),
  );
  return join(copy, 'nginx.conf');
}

/** Gives the upstream these servers, each with the parameters that the file gives to its first. */
function withServers(text: string, upstream: string, ports: readonly number[]): string {
  const block = new RegExp(
    String.raw`(upstream ${upstream} \{[^}]*?)(?: *server \S+([^;\n]*);\n)(?: *server [^\n]+\n)*`,
  );
  return text.replace(block, (_, before: string, parameters: string) => {
    const servers = ports.map((port) => `    server 127.0.0.1:${port}${parameters};\n`);
    return `${before}${servers.join('')}`;
  });
}
