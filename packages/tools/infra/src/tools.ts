import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  libraryFolders,
  runCommand,
  startProgram,
  unpackPackages,
  waitFor,
  type ProgramOptions,
  type RunningProgram,
} from '@ticketing/testkit';

export type ToolName = 'nginx' | 'prometheus' | 'promtool' | 'docker-compose';

/** A program, and the environment in which it finds its libraries where they were unpacked. */
export interface Tool {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The exit code and the output of a tool that read a file. */
export interface ToolVerdict {
  readonly code: number | null;
  readonly output: string;
}

const packages = ['nginx', 'prometheus', 'docker-compose'];

const found = new Map<ToolName, Promise<Tool>>();

/** Finds a tool in Debian's packages, which are fetched and unpacked once for a checkout, never installed. */
export function findTool(name: ToolName): Promise<Tool> {
  const tool =
    found.get(name) ??
    unpackPackages({
      name: 'deployment tools',
      packages,
      program: 'usr/sbin/nginx',
      advice: [`The checks of infra need a machine with Debian's package manager: ${packages.join(', ')}.`],
      onProgress: (message) => console.log(message),
      open: (folder) => openTool(folder, name),
    });
  found.set(name, tool);
  return tool;
}

export function runTool({ command, env }: Tool, args: readonly string[]): Promise<ToolVerdict> {
  return runCommand([...command, ...args], { env: { ...process.env, ...env } });
}

export interface ServerOptions extends ProgramOptions {
  /** Answers 200 when the server is ready. */
  readonly readyUrl: string;
}

/** Starts a program as a server, and waits until it is ready. @throws Error with the end of its output */
export async function startServer({ readyUrl, ...options }: ServerOptions): Promise<RunningProgram> {
  const program = await startProgram(options);
  try {
    await waitFor(async () => program.process.hasExited() || (await fetch(readyUrl)).ok, {
      description: `an answer of ${readyUrl}`,
      timeoutMs: 20_000,
      intervalMs: 50,
    });
    if (program.process.hasExited()) throw new Error('the server ended while starting');
  } catch (error) {
    await program.stop();
    throw new Error(`${options.command.join(' ')}: ${String(error)}\n${program.tail()}`, { cause: error });
  }
  return program;
}

async function openTool(folder: string, name: ToolName): Promise<Tool | undefined> {
  const program = join(folder, name === 'nginx' ? 'usr/sbin' : 'usr/bin', name);
  if (!existsSync(program)) return undefined;
  const libraries = { LD_LIBRARY_PATH: await libraryFolders(folder) };
  const tool =
    name === 'docker-compose' ? pythonTool(folder, program) : { command: [program], env: libraries };
  const { code } = await runTool(tool, [name === 'nginx' ? '-v' : '--version']);
  return code === 0 ? tool : undefined;
}

/** Debian's Python, of the machine or unpacked; the machine provides the modules that were not fetched. */
function pythonTool(folder: string, program: string): Tool {
  const modules = { PYTHONPATH: join(folder, 'usr/lib/python3/dist-packages') };
  const python = join(folder, 'usr/bin/python3');
  if (!existsSync(python)) return { command: ['/usr/bin/python3', program], env: modules };
  return { command: [python, program], env: { ...modules, PYTHONHOME: join(folder, 'usr') } };
}
