import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The folders of PATH, and those of system programs, which the PATH of an ordinary user may lack. */
export function searchPath(): string[] {
  const fromEnvironment = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set([...fromEnvironment, '/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'])];
}

/** @returns the path of the program with its links kept: some programs behave by the name they are called by */
export function findExecutable(name: string, folders: readonly string[] = searchPath()): string | undefined {
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
