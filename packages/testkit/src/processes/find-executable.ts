import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Folders of PATH, and those of system programs, which an ordinary user's PATH may lack. */
export function searchPath(): string[] {
  const fromEnvironment = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set([...fromEnvironment, '/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'])];
}

/** @returns the program's path, links not resolved: some programs are told by their name what to be */
export function findExecutable(name: string, folders: readonly string[] = searchPath()): string | undefined {
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder: the next one may have it.
    }
  }
  return undefined;
}
