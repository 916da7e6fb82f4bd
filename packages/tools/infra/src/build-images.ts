import { chmod, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import { repositoryRoot, runCommand, type ServiceName } from '@ticketing/testkit';
import { readDockerfile, type Stages } from './checks/dockerfile.ts';
import { toolEnvironment } from './node-24.ts';

export interface Images extends AsyncDisposable {
  /** The folder that becomes /service in the image of this service. */
  readonly folderOf: (service: ServiceName) => string;
}

/**
 * Runs the RUN lines of the Dockerfile in a copy of the repository outside of it, because a machine may have no
 * container engine. The lines above ARG SERVICE run once, as their layers would.
 */
export async function buildImages(services: readonly ServiceName[]): Promise<Images> {
  const folderOf = (folder: string, service: ServiceName) => join(folder, 'images', service);
  const { folder, ...disposable } = await makeBuild(copyContext, async (workspace, common, own) => {
    await runSteps(common, workspace, {});
    await mkdir(join(workspace, '../images'));
    for (const service of services) {
      const output = folderOf(join(workspace, '..'), service);
      await runSteps(own, workspace, { SERVICE: service, OUTPUT: output });
      // Written by no account, as in the image.
      await runCommand(['chmod', '-R', 'a-w,a+rX', output]);
    }
  });
  return { folderOf: (service) => folderOf(folder, service), ...disposable };
}

export interface EarlierBuild extends AsyncDisposable {
  /** The file that Node runs. */
  readonly entryOf: (service: ServiceName) => string;
}

/** Builds the services as they were at a commit, as the images are built. */
export async function buildCommit(commit: string): Promise<EarlierBuild> {
  const unpack = async (workspace: string): Promise<void> => {
    await mkdir(workspace);
    const script = `git -C "$1" archive --format=tar "$2" | tar -x -C "$3"`;
    const { code, output } = await runCommand([
      'sh',
      '-euc',
      script,
      'sh',
      repositoryRoot,
      commit,
      workspace,
    ]);
    if (code !== 0) throw new Error(`${commit} could not be checked out:\n${output}`);
  };
  const { folder, ...disposable } = await makeBuild(unpack, (workspace, common) =>
    runSteps(common, workspace, {}),
  );
  const entryOf = (service: ServiceName) => join(folder, 'workspace/apps', service, 'dist/server.js');
  return { entryOf, ...disposable };
}

type Steps = Stages['build'];

async function makeBuild(
  fill: (workspace: string) => Promise<void>,
  build: (workspace: string, common: Steps, own: Steps) => Promise<void>,
): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-build-'));
  const dispose = async (): Promise<void> => {
    await runCommand(['chmod', '-R', 'u+w', folder]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const workspace = join(folder, 'workspace');
    await fill(workspace);
    const { build: steps } = await readDockerfile();
    const own = steps.findIndex(({ keyword, content }) => keyword === 'ARG' && content === 'SERVICE');
    await build(workspace, steps.slice(0, own), steps.slice(own));
    // As root, the tests run the result by an account of its own.
    await chmod(folder, 0o755);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { folder, [Symbol.asyncDispose]: dispose };
}

async function runSteps(
  steps: Steps,
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
