import { chmod, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import { repositoryRoot, runCommand, type ServiceName } from '@ticketing/testkit';
import { readDockerfile, type Instruction } from './read-dockerfile.ts';
import { toolEnvironment } from './tool-environment.ts';

export interface Deployables extends AsyncDisposable {
  /** The folder that becomes /service in the image of this service. */
  readonly folderOf: (service: ServiceName) => string;
}

/**
 * What the images would contain, made by the very RUN lines of the Dockerfile in a copy of the repository outside of it:
 * there may be no container engine. What stands above ARG SERVICE runs once, as its layers would.
 */
export async function buildDeployables(services: readonly ServiceName[]): Promise<Deployables> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-images-'));
  const dispose = async (): Promise<void> => {
    await runCommand(['chmod', '-R', 'u+w', folder]);
    await rm(folder, { recursive: true, force: true });
  };
  const folderOf = (service: ServiceName): string => join(folder, 'images', service);
  try {
    const { build } = await readDockerfile();
    const workspace = join(folder, 'workspace');
    await copyContext(workspace);
    await mkdir(join(folder, 'images'));
    const own = build.findIndex(({ keyword, rest }) => keyword === 'ARG' && rest === 'SERVICE');
    await runSteps(build.slice(0, own), workspace, {});
    for (const service of services) {
      await runSteps(build.slice(own), workspace, { SERVICE: service, OUTPUT: folderOf(service) });
      // As in the image: written by nobody.
      await runCommand(['chmod', '-R', 'a-w,a+rX', folderOf(service)]);
    }
    await chmod(folder, 0o755);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { folderOf, [Symbol.asyncDispose]: dispose };
}

export interface EarlierBuild extends AsyncDisposable {
  /** What to give to Node. */
  readonly entryOf: (service: ServiceName) => string;
}

/** The services as they were at a commit, built as the images were. */
export async function buildCommit(commit: string): Promise<EarlierBuild> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-earlier-'));
  const dispose = () => rm(folder, { recursive: true, force: true });
  try {
    const unpack = `git -C "$1" archive --format=tar "$2" | tar -x -C "$3"`;
    const { code, output } = await runCommand(['sh', '-euc', unpack, 'sh', repositoryRoot, commit, folder]);
    if (code !== 0) throw new Error(`${commit} could not be checked out:\n${output}`);
    const { build } = await readDockerfile();
    const own = build.findIndex(({ keyword }) => keyword === 'ARG');
    await runSteps(build.slice(0, own), folder, {});
    // Run by an account that is not ours, if we are root.
    await chmod(folder, 0o755);
  } catch (error) {
    await dispose();
    throw error;
  }
  const entryOf = (service: ServiceName): string => join(folder, 'apps', service, 'dist/server.js');
  return { entryOf, [Symbol.asyncDispose]: dispose };
}

async function runSteps(
  steps: readonly Instruction[],
  workspace: string,
  args: Readonly<Record<string, string>>,
): Promise<void> {
  for (const { keyword, rest } of steps) {
    if (keyword !== 'RUN') continue;
    const { code, output } = await runCommand(['sh', '-euc', rest], {
      cwd: workspace,
      env: { ...toolEnvironment(), PATH: pathOutside(), CI: 'true', TURBO_TELEMETRY_DISABLED: '1', ...args },
    });
    if (code !== 0) throw new Error(`RUN ${rest}\nended with ${code}:\n${output.slice(-4_000)}`);
  }
}

/** The tools of this checkout must not be what the image is built with. */
function pathOutside(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return [dirname(process.execPath), ...folders.filter((path) => !path.startsWith(repositoryRoot))].join(
    delimiter,
  );
}

/** The build context after .dockerignore. */
async function copyContext(target: string): Promise<void> {
  const patterns = (await readFile(join(repositoryRoot, '.dockerignore'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const isIgnored = (path: string): boolean =>
    patterns.some((pattern) =>
      pattern.startsWith('**/') ? basename(path) === pattern.slice(3) : path === pattern,
    );
  await cp(repositoryRoot, target, {
    recursive: true,
    filter: (source) => !isIgnored(relative(repositoryRoot, source)),
  });
}
