import { runCommand } from '../processes/run-command.ts';

export interface RedisBinary {
  readonly program: string;
  /** Where its libraries are, if not in the system's folders. */
  readonly libraries: string | undefined;
  readonly version: string;
}

/** "Redis server v=7.0.15 sha=…", "Valkey server v=8.0.1 …"; undefined if it does not run. */
export async function redisVersion(
  program: string,
  libraries: string | undefined,
): Promise<string | undefined> {
  const { code, output } = await runCommand([program, '--version'], { env: redisEnvironment(libraries) });
  return code === 0 ? /\bv=(?<version>[\d.]+)/.exec(output)?.groups?.['version'] : undefined;
}

export function redisEnvironment(libraries: string | undefined): NodeJS.ProcessEnv {
  return libraries === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: libraries };
}
