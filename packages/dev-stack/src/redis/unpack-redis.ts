import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../folders.ts';
import { findExecutable } from '../processes/find-executable.ts';
import { runCommand, type CommandResult } from '../processes/run-command.ts';
import { StackError } from '../stack-error.ts';
import { redisEnvironment, redisVersion, type RedisBinary } from './redis-binary.ts';

/**
 * Redis from Debian's packages without installing them: nothing of the system is written, no service is
 * set up, no right is needed. apt works on lists and a cache of our own, because the system's lists may be
 * empty and only root may fill them.
 */
export async function unpackRedis(
  onProgress: ((message: string) => void) | undefined,
  refused: readonly string[],
): Promise<RedisBinary> {
  const folder = join(cacheFolder, `redis-${process.arch}`);
  const unpacked = await usableRedis(folder);
  if (unpacked !== undefined) return unpacked;

  const advice = 'Install Redis 7 or newer (on Debian: apt-get install redis-server) or set REDIS_URL.';
  if (['apt-get', 'dpkg-deb'].some((tool) => findExecutable(tool) === undefined)) {
    throw new StackError(['No Redis is on this machine.', advice, ...refused].join('\n  '));
  }
  onProgress?.("fetching Redis from Debian's packages, to be unpacked here and not installed");
  await mkdir(cacheFolder, { recursive: true });
  const workFolder = await mkdtemp(join(cacheFolder, 'redis-unfinished-'));
  try {
    const root = join(workFolder, 'root');
    for (const archive of await downloadPackages(workFolder)) {
      await orFail(runCommand(['dpkg-deb', '--extract', archive, root]), `unpacking ${archive}`);
    }
    // Another start may have been faster; its copy is as good as ours.
    if ((await usableRedis(folder)) === undefined) {
      await rm(folder, { recursive: true, force: true });
      await rename(root, folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    }
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    throw new StackError([error.message, advice, ...refused].join('\n  '), { cause: error });
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
  const redis = await usableRedis(folder);
  if (redis !== undefined) return redis;
  const { output } = await runCommand(['ldd', join(folder, 'usr/bin/redis-server')], {
    env: redisEnvironment(await libraryFolders(folder)),
  });
  const missing = output.split('\n').filter((line) => line.includes('not found'));
  throw new StackError(['The unpacked Redis does not run here.', advice, ...missing].join('\n  '));
}

async function usableRedis(folder: string): Promise<RedisBinary | undefined> {
  const program = findExecutable('redis-server', [join(folder, 'usr/bin')]);
  if (program === undefined) return undefined;
  const libraryPath = await libraryFolders(folder);
  const version = await redisVersion(program, libraryPath);
  return version === undefined ? undefined : { program, libraryPath, version };
}

async function libraryFolders(folder: string): Promise<string> {
  const architectures = await readdir(join(folder, 'usr/lib'));
  return architectures.map((architecture) => join(folder, 'usr/lib', architecture)).join(':');
}

/** @returns the archives of redis-server and of whatever it needs that this machine does not have */
async function downloadPackages(workFolder: string): Promise<string[]> {
  const archives = join(workFolder, 'archives');
  await mkdir(join(archives, 'partial'), { recursive: true });
  await mkdir(join(workFolder, 'lists/partial'), { recursive: true });
  const config = join(workFolder, 'apt.conf');
  await writeFile(config, aptConfig);
  const settings = {
    'Dir::State': workFolder,
    'Dir::State::lists': join(workFolder, 'lists'),
    'Dir::State::extended_states': join(workFolder, 'extended_states'),
    // What is installed, so that only what is missing is fetched.
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': workFolder,
    'Dir::Cache::archives': archives,
    'Dir::Log': workFolder,
    // apt as root would fetch as the user _apt, who cannot write here.
    'APT::Sandbox::User': 'root',
  };
  const apt = ['apt-get', '-q', '-c', config];
  apt.push(...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]));
  // A foreign source that does not answer spoils the update's exit code, but not Debian's own lists.
  const update = await runCommand([...apt, 'update'], { env: aptEnvironment });
  const install = [...apt, 'install', '--download-only', '--no-install-recommends', '--yes', 'redis-server'];
  const download = await runCommand(install, { env: aptEnvironment });
  if (download.code !== 0) {
    throw new StackError(
      `Redis could not be fetched with apt:\n${lastLines(update)}\n${lastLines(download)}`,
    );
  }
  const names = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  // The C library must be the one that fits the system's loader.
  return names.filter((name) => !name.startsWith('libc6')).map((name) => join(archives, name));
}

const aptEnvironment = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };

/** The machine's own settings (mirrors, proxies) hold; its hooks, which clean the system's cache, must not run. */
const aptConfig = `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
Debug::NoLocking "true";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
`;

async function orFail(running: Promise<CommandResult>, what: string): Promise<void> {
  const result = await running;
  if (result.code !== 0) throw new StackError(`${what} failed:\n${lastLines(result)}`);
}

function lastLines({ output }: CommandResult): string {
  return output.trim().split('\n').slice(-6).join('\n');
}
