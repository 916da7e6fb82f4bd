import { isRecord } from '../json-record.ts';

export interface Readiness {
  /** It answered 200: its word that it serves. */
  readonly serves: boolean;
  /** "ready", "degraded", "stopping" …, or why it says nothing. */
  readonly status: string;
  /** The parts that are not well, as it describes them; empty if there are none. */
  readonly detail: string;
}

/** What a service says of itself. */
export async function askReadiness(url: string): Promise<Readiness> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    const body: unknown = await response.json();
    const { status = 'unknown', parts } = isRecord(body) ? body : {};
    const detail = parts === undefined ? '' : JSON.stringify(parts);
    return { serves: response.status === 200, status: String(status), detail };
  } catch (error) {
    return { serves: false, status: error instanceof Error ? describe(error) : String(error), detail: '' };
  }
}

/** fetch hides the reason, such as ECONNREFUSED, in the cause. */
function describe(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
