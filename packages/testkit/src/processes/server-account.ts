import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StackError } from '../stack-error.ts';

export interface ServerAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whom the servers run as. PostgreSQL refuses root, so root hands them to `postgres` or `nobody`; when the
 * folder already belongs to an ordinary user, to that user, who can then go on with it without root.
 *
 * @returns undefined for an ordinary user: the servers run as whoever starts them
 */
export function serverAccount(folder: string): ServerAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]): ServerAccount => ({ name, uid: Number(uid), gid: Number(gid) }));
  const ownerUid = statSync(folder, { throwIfNoEntry: false })?.uid ?? 0;
  const account =
    (ownerUid === 0 ? undefined : accounts.find((candidate) => candidate.uid === ownerUid)) ??
    accounts.find((candidate) => candidate.name === 'postgres' && candidate.uid !== 0) ??
    accounts.find((candidate) => candidate.name === 'nobody' && candidate.uid !== 0);
  if (account === undefined) {
    throw new StackError(
      'PostgreSQL does not run as root, and this machine has no user "postgres" or "nobody" to run it as. Start as an ordinary user.',
    );
  }
  return account;
}

/** Whether the account can walk down to the path with its own rights, as it cannot below a home folder that is closed. */
export function canReach(account: ServerAccount, path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { uid, gid, mode } = statSync(folder);
    const search = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & search) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
