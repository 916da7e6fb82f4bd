import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { preparePrivateFolder } from '../processes/private-folder.ts';
import type { ServerAccount } from '../processes/server-account.ts';
import { runCommand } from '../processes/run-command.ts';
import { serverCommand } from '../processes/server-command.ts';
import { StackError } from '../stack-error.ts';
import type { PostgresBinaries } from './find-postgres.ts';

/** The role that owns everything in a private cluster. */
export const ownerRole = 'ticketing';

/** The major version that wrote the cluster in this folder, if there is one. */
export async function clusterMajor(folder: string): Promise<number | undefined> {
  const file = join(folder, 'data', 'PG_VERSION');
  return existsSync(file) ? Number.parseInt(await readFile(file, 'utf8'), 10) : undefined;
}

/**
 * Makes the cluster `folder/data` unless it is there. It is made aside and renamed: an interrupted initdb
 * is no cluster.
 *
 * @returns the owner's password
 */
export async function prepareCluster(
  folder: string,
  binaries: PostgresBinaries,
  options: { readonly account: ServerAccount | undefined; readonly durable: boolean },
): Promise<string> {
  const { account } = options;
  const password = await preparePrivateFolder(folder, account);
  const unfinished = join(folder, 'data.unfinished');
  if (existsSync(join(folder, 'data'))) return password;
  await rm(unfinished, { recursive: true, force: true });
  const initdb = [binaries.initdb, `--pgdata=${unfinished}`, `--username=${ownerRole}`];
  initdb.push(
    `--pwfile=${join(folder, 'password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
  );
  if (!options.durable) initdb.push('--no-sync');
  const command = serverCommand(initdb, { account, reaches: [folder, binaries.initdb] });
  const { code, output } = await runCommand(command, { cwd: '/' });
  if (code !== 0)
    throw new StackError(`PostgreSQL could not make its data folder ${folder}:\n${output.trim()}`);
  await rename(unfinished, join(folder, 'data'));
  return password;
}
