import { chmod, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import { repositoryRoot, runCommand, type ServiceName } from '@ticketing/testkit';
import { readDockerfile, type Instruction } from './checks/dockerfile.ts';
import { toolEnvironment } from './node-24.ts';

export interface Build extends AsyncDisposable {
  /** The folder that becomes /service in the image of this service. */
  readonly imageOf: (service: ServiceName) => string;
  /** The file that Node runs, without an image. */
  readonly entryOf: (service: ServiceName) => string;
}

/** Builds the images of this checkout, as folders. */
export function buildImages(services: readonly ServiceName[]): Promise<Build> {
  return build(copyContext, services);
}

/** Builds the services as they were at a commit, without images. */
export function buildCommit(commit: string): Promise<Build> {
  const script = `mkdir "$3" && git -C "$1" archive --format=tar "$2" | tar -x -C "$3"`;
  return build(async (workspace) => {
    const words = ['sh', '-euc', script, 'sh', repositoryRoot, commit, workspace];
    const { code, output } = await runCommand(words);
    if (code !== 0) throw new Error(`${commit} could not be checked out:\n${output}`);
  }, []);
}

/**
 * Runs the RUN lines of the Dockerfile in a workspace outside of the repository, because a machine may have no container
 * engine. The lines above ARG SERVICE run once, as their layers would.
 */
async function build(
  fill: (workspace: string) => Promise<void>,
  services: readonly ServiceName[],
): Promise<Build> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-build-'));
  const workspace = join(folder, 'workspace');
  const imageOf = (service: ServiceName) => join(folder, 'images', service);
  const entryOf = (service: ServiceName) => join(workspace, 'apps', service, 'dist/server.js');
  const dispose = async (): Promise<void> => {
    await runCommand(['chmod', '-R', 'u+w', folder]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await fill(workspace);
    await mkdir(join(folder, 'images'));
    const { build: steps } = await readDockerfile();
    const own = steps.findIndex(({ keyword, content }) => keyword === 'ARG' && content === 'SERVICE');
    await runSteps(steps.slice(0, own), workspace, {});
    for (const service of services) {
      await runSteps(steps.slice(own), workspace, { SERVICE: service, OUTPUT: imageOf(service) });
      // No account may write in it, as in the image.
      await runCommand(['chmod', '-R', 'a-w,a+rX', imageOf(service)]);
    }
    // As root, the tests run the result by an account of its own.
    await chmod(folder, 0o755);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { imageOf, entryOf, [Symbol.asyncDispose]: dispose };
}

async function runSteps(
  steps: readonly Instruction[],
  workspace: string,
  args: Readonly<Record<string, string>>,
): Promise<void> {
  // The image is not built with the tools of this checkout.
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(repositoryRoot));
  const PATH = [dirname(process.execPath), ...path].join(delimiter);
  for (const { content } of steps.filter(({ keyword }) => keyword === 'RUN')) {
    const { code, output } = await runCommand(['sh', '-euc', content], {
      cwd: workspace,
      env: { ...toolEnvironment(), PATH, CI: 'true', TURBO_TELEMETRY_DISABLED: '1', ...args },
    });
    if (code !== 0) throw new Error(`RUN ${content}\nended with ${code}:\n${output.slice(-4_000)}`);
  }
}

/** Copies the build context: the repository without the files that .dockerignore names. */
async function copyContext(workspace: string): Promise<void> {
  const patterns = (await readFile(join(repositoryRoot, '.dockerignore'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const isIgnored = (path: string): boolean =>
    patterns.some((pattern) =>
      pattern.startsWith('**/') ? basename(path) === pattern.slice(3) : path === pattern,
    );
  await cp(repositoryRoot, workspace, {
    recursive: true,
    filter: (source) => !isIgnored(relative(repositoryRoot, source)),
  });
}
