import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { libraryFolders, runCommand, unpackPackages } from '@ticketing/testkit';

export type ToolName = 'nginx' | 'prometheus' | 'promtool' | 'docker-compose';

/** A program, with what must be in its environment for it to find its parts where they were unpacked. */
export interface Tool {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What a tool says of a file. */
export interface ToolVerdict {
  readonly code: number | null;
  readonly output: string;
}

const packages = ['nginx', 'prometheus', 'docker-compose'];

/** The tools that read the files of a deployment, from Debian's packages, fetched once for a checkout. */
export async function findTool(name: ToolName): Promise<Tool> {
  return unpackPackages({
    name: 'deployment tools',
    packages,
    program: 'usr/sbin/nginx',
    advice: [`The checks of infra need a machine with Debian's package manager: ${packages.join(', ')}.`],
    onProgress: (message) => console.log(message),
    open: (folder) => openTool(folder, name),
  });
}

export async function runTool(tool: Tool, args: readonly string[], cwd?: string): Promise<ToolVerdict> {
  return runCommand([...tool.command, ...args], {
    env: { ...process.env, ...tool.env },
    ...(cwd === undefined ? {} : { cwd }),
  });
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

/** Debian's own Python, of the machine or come along: the modules that were not fetched are those of the machine. */
function pythonTool(folder: string, program: string): Tool {
  const modules = { PYTHONPATH: join(folder, 'usr/lib/python3/dist-packages') };
  const python = join(folder, 'usr/bin/python3');
  if (!existsSync(python)) return { command: ['/usr/bin/python3', program], env: modules };
  return { command: [python, program], env: { ...modules, PYTHONHOME: join(folder, 'usr') } };
}
