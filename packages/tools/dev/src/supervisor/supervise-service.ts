import { join } from 'node:path';
import {
  askReadiness,
  describeExit,
  type ServiceName,
  spawnService,
  StackError,
  type StopPlan,
  stopProcess,
  waitFor,
} from '@ticketing/testkit';
import { keepRunning, type KeptPart, type RunningPart } from './keep-running.ts';
import { ServiceLog } from './service-log.ts';

export interface SuperviseServiceOptions {
  readonly name: ServiceName;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Base address at which it can be asked how it is. */
  readonly url: string;
  readonly say: (message: string) => void;
  /** Aborted when the stack is being stopped: nobody waits for readiness any more. */
  readonly stopping: AbortSignal;
}

const readyLimitMs = 60_000;

/** Runs a service until it is stopped; settles when it is ready for the first time. */
export async function superviseService(options: SuperviseServiceOptions): Promise<KeptPart> {
  const { name, folder, say } = options;
  const logFile = join(folder, 'logs', `${name}.log`);
  const log = new ServiceLog(logFile, (line) => say(`[${name}] ${line}`));
  let wasReady = false;
  const start = async (): Promise<RunningPart> => {
    const running = await startOnce(options, { log, logFile, mayBeDegraded: wasReady });
    wasReady = true;
    return running;
  };
  const part = await keepRunning({ name, say, start }).catch((error: unknown) => {
    log.end();
    throw error;
  });
  return {
    stop: async () => {
      await part.stop();
      log.end();
    },
  };
}

interface Attempt {
  readonly log: ServiceLog;
  readonly logFile: string;
  /** Once it was ready, a fault of its surroundings is no reason to end it. */
  readonly mayBeDegraded: boolean;
}

async function startOnce(options: SuperviseServiceOptions, attempt: Attempt): Promise<RunningPart> {
  const { log, logFile, mayBeDegraded } = attempt;
  const { name, folder, env, url, stopping } = options;
  const service = await spawnService({
    name,
    folder,
    env,
    parentDeathSignal: 'SIGTERM',
    onLine: (line) => log.write(line),
  });
  const stop = async (): Promise<void> => {
    if (service.hasExited()) return;
    const { signal } = await stopProcess(service, stopPlan(env));
    if (signal === 'SIGKILL') options.say(`${name} did not end in time and was killed`);
  };
  let said = '';
  try {
    await waitFor(
      async () => {
        if (service.hasExited() || stopping.aborted) return true;
        const { serves, status, detail } = await askReadiness(url);
        said = `${status} ${detail}`.trim();
        return serves && (mayBeDegraded || status === 'ready');
      },
      { description: `${name} to be ready`, timeoutMs: readyLimitMs, intervalMs: 50 },
    );
  } catch (error) {
    await stop();
    throw new StackError(
      `${name} was not ready within ${readyLimitMs / 1000} s; at the end it said "${said}". Its log is ${logFile}.`,
      { cause: error },
    );
  }
  if (stopping.aborted) await stop();
  if (service.hasExited()) {
    const how = describeExit(await service.exited);
    throw new StackError(`${name} ${how} before it was ready; what it said stands above and in ${logFile}.`);
  }
  return { process: service, stop };
}

/** A service needs up to 15 s to finish its requests, beyond the delay it was told to make. */
function stopPlan(env: NodeJS.ProcessEnv): StopPlan {
  const delaySeconds = Number(env['SHUTDOWN_DELAY_SECONDS'] ?? 0) || 0;
  return [
    ['SIGTERM', delaySeconds * 1000 + 20_000],
    ['SIGKILL', 5_000],
  ];
}
