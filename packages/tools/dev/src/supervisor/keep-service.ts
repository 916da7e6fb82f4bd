import { join } from 'node:path';
import { spawnService, StackError, waitUntilReady } from '@ticketing/testkit';
import { keepRunning, type Kept, type Started } from './keep-running.ts';
import type { ServiceAddress } from './service-addresses.ts';
import { openServiceLog } from './service-log.ts';

export interface KeepServiceOptions {
  readonly address: ServiceAddress;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (message: string) => void;
}

export interface KeptService extends Kept {
  /** Settles when the service is ready for the first time. */
  readonly ready: Promise<unknown>;
}

/** Runs a service until it is stopped. */
export function keepService({ address, folder, env, say }: KeepServiceOptions): KeptService {
  const { name, url } = address;
  const logFile = join(folder, 'logs', `${name}.log`);
  const log = openServiceLog(logFile, (line) => say(`[${name}] ${line}`));
  // Finishing its requests may take a service 15 s, after the configured delay.
  const graceMs = (Number(env['SHUTDOWN_DELAY_SECONDS']) || 0) * 1000 + 20_000;
  let wasReady = false;
  const start = async (stopping: AbortSignal): Promise<Started> => {
    const service = await spawnService({
      name,
      folder,
      env,
      plan: [
        ['SIGTERM', graceMs],
        ['SIGKILL', 5_000],
      ],
      onLine: log.write,
    });
    const stop = async (): Promise<void> => {
      const hadExited = service.hasExited();
      const { signal } = await service.stop();
      if (signal === 'SIGKILL' && !hadExited) say(`${name} did not end in time and was killed`);
    };
    try {
      // After its first start a service may be degraded: PostgreSQL or Redis may be restarting, too.
      const until = wasReady ? 'any' : 'ready';
      await waitUntilReady(service, { name, url, until, timeoutMs: 60_000, signal: stopping });
    } catch (error) {
      await stop();
      if (!(error instanceof StackError)) throw error;
      throw new StackError(`${error.message} See its messages above and in ${logFile}.`, { cause: error });
    }
    if (stopping.aborted) {
      await stop();
      throw new StackError(`${name} was stopped before it was ready.`);
    }
    wasReady = true;
    return { process: service, stop };
  };
  const { first, stop } = keepRunning({ name, say, start });
  return { ready: first, stop: () => stop().finally(log.end) };
}
