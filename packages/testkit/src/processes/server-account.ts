import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StackError } from '../stack-error.ts';

export interface ServerAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account that the servers run as. PostgreSQL refuses root: root hands the servers to `postgres` or `nobody`, or to
 * the ordinary user who already owns the folder and can then go on without root.
 *
 * @returns undefined for an ordinary user, whose servers run as that user
 */
export function serverAccount(folder: string): ServerAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]): ServerAccount => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => uid !== 0);
  const ownerUid = statSync(folder, { throwIfNoEntry: false })?.uid;
  const account =
    accounts.find(({ uid }) => uid === ownerUid) ??
    accounts.find(({ name }) => name === 'postgres') ??
    accounts.find(({ name }) => name === 'nobody');
  if (account === undefined) {
    throw new StackError(
      'PostgreSQL does not run as root, and this machine has no user "postgres" or "nobody" to run it as. Start as an ordinary user.',
    );
  }
  return account;
}

/** Whether the account may enter every folder above the path; below a closed home folder it may not. */
export function canReach(account: ServerAccount, path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { uid, gid, mode } = statSync(folder);
    const search = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & search) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** Makes the account the owner of paths; the paths of an ordinary user are right already. */
export async function giveTo(account: ServerAccount | undefined, ...paths: readonly string[]): Promise<void> {
  if (account === undefined) return;
  for (const path of paths) await chown(path, account.uid, account.gid);
}

/**
 * Makes the folder of a server, open to its account only, with a password made once: clients keep their URLs over a
 * restart of the server.
 *
 * @returns the password
 */
export async function preparePrivateFolder(
  folder: string,
  account: ServerAccount | undefined,
): Promise<string> {
  const passwordFile = join(folder, 'password');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  if (!existsSync(passwordFile)) {
    // Whole or not at all: on a full disk an empty password would stay, and refuse every later start.
    const unfinished = `${passwordFile}.unfinished`;
    await writeFile(unfinished, randomBytes(24).toString('base64url'), { mode: 0o600 });
    await rename(unfinished, passwordFile);
  }
  await giveTo(account, folder, passwordFile);
  return readFile(passwordFile, 'utf8');
}

/** Deletes the folder of a server: at once under its name, so that an interrupted deletion leaves no half of a cluster. */
export async function removePrivateFolder(folder: string): Promise<void> {
  const removed = `${folder}.removed`;
  await rm(removed, { recursive: true, force: true });
  if (existsSync(folder)) await rename(folder, removed);
  await rm(removed, { recursive: true, force: true });
}
