import { runCommand } from '../processes/run-command.ts';

export interface RedisBinary {
  readonly program: string;
  /** Where its libraries are, if not in the system's folders. */
  readonly libraryPath: string | undefined;
  readonly version: string;
}

/** "Redis server v=7.0.15 sha=…", "Valkey server v=8.0.1 …"; undefined if it does not run. */
export async function redisVersion(
  program: string,
  libraryPath: string | undefined,
): Promise<string | undefined> {
  const { code, output } = await runCommand([program, '--version'], { env: redisEnvironment(libraryPath) });
  return code === 0 ? /\bv=(?<version>[\d.]+)/.exec(output)?.groups?.['version'] : undefined;
}

export function redisEnvironment(libraryPath: string | undefined): NodeJS.ProcessEnv {
  return libraryPath === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: libraryPath };
}
