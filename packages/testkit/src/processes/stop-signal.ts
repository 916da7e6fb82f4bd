import { killAdoptedProcesses } from './server-process.ts';

/** One Ctrl-C can arrive twice, from the terminal and by way of npm. A signal this soon after the first is its echo. */
const echoMs = 500;

/** Aborted by the first SIGINT, SIGTERM or SIGHUP; a second signal kills everything at once. */
export function stopSignal(say: (message: string) => void): AbortSignal {
  const stopping = new AbortController();
  let stoppedAt = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!stopping.signal.aborted) {
      stoppedAt = performance.now();
      say(`Stopping (${signal}).`);
      stopping.abort();
    } else if (performance.now() - stoppedAt > echoMs) {
      say('Killing everything at once.');
      killAdoptedProcesses();
      process.exit(1);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return stopping.signal;
}
