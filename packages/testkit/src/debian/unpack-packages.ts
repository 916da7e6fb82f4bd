import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../folders.ts';
import { findExecutable } from '../processes/find-executable.ts';
import { runCommand, type CommandResult } from '../processes/run-command.ts';
import { StackError } from '../stack-error.ts';

export interface UnpackOptions<T> {
  /** For sentences, and for the name of the folder in the cache: "Redis". */
  readonly name: string;
  /** apt adds the dependencies that this machine lacks. */
  readonly packages: readonly string[];
  /** Looks for the program in the unpacked folder; undefined if it is missing or does not run. */
  readonly open: (folder: string) => Promise<T | undefined>;
  /** What a person can do if the packages cannot be fetched or do not run. */
  readonly advice: readonly string[];
  /** The program whose missing libraries are listed if it does not run: "usr/bin/redis-server". */
  readonly program: string;
  readonly onProgress?: ((message: string) => void) | undefined;
}

/**
 * Unpacks programs of Debian's packages into the cache without installing them: no file of the system is written, no
 * service set up, no privilege needed. apt works on lists and a cache of our own, because the system's lists may be empty
 * and only root may fill them.
 */
export async function unpackPackages<T>(options: UnpackOptions<T>): Promise<T> {
  const { name, open, advice } = options;
  const folder = join(cacheFolder, `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}-${process.arch}`);
  const unpacked = await open(folder);
  if (unpacked !== undefined) return unpacked;

  if (['apt-get', 'dpkg-deb'].some((tool) => findExecutable(tool) === undefined)) {
    throw new StackError([`No ${name} is on this machine.`, ...advice].join('\n  '));
  }
  options.onProgress?.(`fetching ${name} from Debian's packages, to be unpacked here and not installed`);
  await mkdir(cacheFolder, { recursive: true });
  const workFolder = await mkdtemp(join(cacheFolder, 'unfinished-'));
  try {
    const root = join(workFolder, 'root');
    for (const archive of await downloadPackages(workFolder, options)) {
      const result = await runCommand(['dpkg-deb', '--extract', archive, root], { timeoutMs: 60_000 });
      if (result.code !== 0) throw new StackError(`unpacking ${archive} failed:\n${lastLines(result)}`);
    }
    // Another process may have been faster; its copy is as good as ours.
    if ((await open(folder)) === undefined) {
      await rm(folder, { recursive: true, force: true });
      await rename(root, folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    }
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    throw new StackError([error.message, ...advice].join('\n  '), { cause: error });
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
  const usable = await open(folder);
  if (usable !== undefined) return usable;
  const { output } = await runCommand(['ldd', join(folder, options.program)], {
    env: { ...process.env, LD_LIBRARY_PATH: await libraryFolders(folder) },
    timeoutMs: 20_000,
  });
  const missing = output.split('\n').filter((line) => line.includes('not found'));
  throw new StackError([`The unpacked ${name} does not run here.`, ...advice, ...missing].join('\n  '));
}

/** @returns the archives of the packages and of the dependencies that this machine lacks */
async function downloadPackages(
  workFolder: string,
  { name, packages }: Pick<UnpackOptions<unknown>, 'name' | 'packages'>,
): Promise<string[]> {
  const archives = join(workFolder, 'archives');
  await mkdir(join(archives, 'partial'), { recursive: true });
  await mkdir(join(workFolder, 'lists/partial'), { recursive: true });
  const config = join(workFolder, 'apt.conf');
  await writeFile(config, aptConfig);
  const settings = {
    'Dir::State': workFolder,
    'Dir::State::lists': join(workFolder, 'lists'),
    'Dir::State::extended_states': join(workFolder, 'extended_states'),
    // The list of installed packages: only missing ones are fetched.
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': workFolder,
    'Dir::Cache::archives': archives,
    'Dir::Log': workFolder,
    // Run by root, apt fetches as the user _apt, who cannot write here.
    'APT::Sandbox::User': 'root',
  };
  const apt = ['apt-get', '-q', '-c', config];
  apt.push(...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]));
  // A foreign source that does not answer spoils the exit code of the update, but not Debian's own lists.
  const limits = { env: aptEnvironment, timeoutMs: 300_000 };
  const update = await runCommand([...apt, 'update'], limits);
  // apt skips an installed package even when it is named; --reinstall fetches it.
  const install = [...apt, 'install', '--reinstall', '--download-only', '--no-install-recommends', '--yes'];
  const download = await runCommand([...install, ...packages], limits);
  if (download.code !== 0) {
    throw new StackError(
      `${name} could not be fetched with apt:\n${lastLines(update)}\n${lastLines(download)}`,
    );
  }
  const names = (await readdir(archives)).filter((file) => file.endsWith('.deb'));
  // The C library must be the one that fits the system's loader.
  return names.filter((file) => !file.startsWith('libc6')).map((file) => join(archives, file));
}

const aptEnvironment = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };

/** Keeps the machine's settings (mirrors, proxies) and drops its hooks, which clean the system's cache. */
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

function lastLines({ output }: CommandResult): string {
  return output.trim().split('\n').slice(-6).join('\n');
}

/** The folders of an unpacked root that hold its libraries, as LD_LIBRARY_PATH takes them. */
export async function libraryFolders(folder: string): Promise<string> {
  const triplets = (await readdir(join(folder, 'usr/lib'))).filter((name) => name.includes('-linux-'));
  return triplets
    .flatMap((triplet) => [join(folder, 'usr/lib', triplet), join(folder, 'lib', triplet)])
    .join(':');
}
