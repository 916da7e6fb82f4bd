import { deadlineFactor, waitFor } from '../deadlines.ts';
import { isRecord } from '../json-record.ts';
import { describeExit, type ServerProcess } from '../processes/server-process.ts';
import { StackError } from '../stack-error.ts';

export interface WaitUntilReadyOptions {
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
  /** The status that `/health/ready` must give; "any" takes each answer with 200. */
  readonly until: 'ready' | 'degraded' | 'any';
  /** Ends the wait early, without an error. */
  readonly signal?: AbortSignal;
}

/** Waits until a service is ready. @throws StackError when the service ends, or when the time is up */
export async function waitUntilReady(service: ServerProcess, options: WaitUntilReadyOptions): Promise<void> {
  const { name, url, timeoutMs, until, signal } = options;
  let last = '';
  try {
    await waitFor(
      async () => {
        if (service.hasExited() || signal?.aborted === true) return true;
        const { isServing, status, detail } = await askReadiness(url);
        last = `${status} ${detail}`.trim();
        return isServing && (until === 'any' || status === until);
      },
      { description: `${name} to be ready`, timeoutMs, intervalMs: 50 },
    );
  } catch (error) {
    const message = `${name} was not ready within ${(timeoutMs * deadlineFactor()) / 1000} s; its last answer was "${last}".`;
    throw new StackError(message, { cause: error });
  }
  if (!service.hasExited() || signal?.aborted === true) return;
  throw new StackError(`${name} ${describeExit(await service.exited)} before it was ready.`);
}

interface Readiness {
  /** The service answered 200. */
  readonly isServing: boolean;
  /** "ready", "degraded", "stopping" …, or why there was no answer. */
  readonly status: string;
  /** The failed dependencies, as the answer describes them. */
  readonly detail: string;
}

async function askReadiness(url: string): Promise<Readiness> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    const body: unknown = await response.json();
    const { status = 'unknown', parts } = isRecord(body) ? body : {};
    const detail = parts === undefined ? '' : JSON.stringify(parts);
    return { isServing: response.status === 200, status: String(status), detail };
  } catch (error) {
    // fetch hides the reason, such as ECONNREFUSED, in the cause.
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return {
      isServing: false,
      status: reason instanceof Error ? reason.message : String(reason),
      detail: '',
    };
  }
}
