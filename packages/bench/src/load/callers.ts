import type { LoadRequest, LoadScript } from './load-job.ts';

/** One of those who ask at the same time, each on a connection of its own. */
export interface Caller {
  next(): LoadRequest;
  /** Told what came of its request, if it wants to know. */
  answered?(status: number, body: string, headers: Readonly<Record<string, unknown>>): void;
}

/** @param onExhausted called when there is nothing new to ask for; whatever is asked for then does not count */
export function createCallers(script: LoadScript, onExhausted: () => void): (index: number) => Caller {
  const { requests } = script;
  let asked = 0;
  const next = () => {
    const index = asked++;
    if (index >= requests.length && script.kind === 'each-once') onExhausted();
    return requests[index % requests.length]!;
  };
  return () => ({ next });
}
