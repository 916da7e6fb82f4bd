import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerAccount } from './server-account.ts';

/**
 * The folder of a server, closed to everybody but the account it runs as, with a password made once: clients
 * keep theirs over a restart of the server, and nobody else on the machine can read it.
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
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  }
  await giveTo(account, folder, passwordFile);
  return readFile(passwordFile, 'utf8');
}

/** Hands paths over to the account; for an ordinary user they are right already. */
export async function giveTo(account: ServerAccount | undefined, ...paths: readonly string[]): Promise<void> {
  if (account === undefined) return;
  for (const path of paths) await chown(path, account.uid, account.gid);
}
