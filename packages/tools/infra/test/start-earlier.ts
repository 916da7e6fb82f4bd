import getPort from 'get-port';
import { startProgram, waitFor, type ServiceName } from '@ticketing/testkit';
import type { EarlierBuild } from '../src/build-deployables.ts';
import { makeRunFolder } from './run-folder.ts';

export interface EarlierService extends AsyncDisposable {
  readonly url: string;
  /** The end of what it has written. */
  readonly tail: (lines?: number) => string;
}

/** A service of a build that is not that of this checkout. */
export async function startEarlier(
  build: EarlierBuild,
  name: ServiceName,
  env: Readonly<Record<string, string>>,
): Promise<EarlierService> {
  const port = await getPort({ host: '127.0.0.1' });
  const variable = `${name.replace('-', '_').toUpperCase()}_PORT`;
  const url = `http://127.0.0.1:${port}`;
  const folder = await makeRunFolder(`earlier-${name}`);
  const start = () =>
    startProgram({
      folder,
      command: [process.execPath, build.entryOf(name)],
      env: { ...env, HOST: '127.0.0.1', [variable]: String(port) },
    });
  let program = await start();
  // Its file is begun anew with each start.
  const ended: string[] = [];
  try {
    await waitFor(
      async () => {
        // A start that a busy machine has made too slow for its own limits is made again, as anywhere.
        if (program.process.hasExited()) {
          ended.push(program.tail());
          program = await start();
        }
        return (await fetch(`${url}/health/ready`)).ok;
      },
      { description: `the earlier ${name}`, timeoutMs: 30_000, intervalMs: 250 },
    );
  } catch (error) {
    await program.stop();
    throw new Error([String(error), ended.at(-1), program.tail()].join('\n'), { cause: error });
  }
  const { tail } = program;
  return { url, tail, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}
