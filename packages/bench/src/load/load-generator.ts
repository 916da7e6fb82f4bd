import autocannon from 'autocannon';
import { runPart } from '../parts/run-part.ts';
import { createCallers, type Caller } from './callers.ts';
import type { LoadJob } from './load-job.ts';
import { LoadMeter } from './load-meter.ts';

/** autocannon notices that it is told to stop this often. */
const sampleMs = 50;
/** Longer than any load: it is stopped when the window is over. */
const longestSeconds = 600;

/*
 * autocannon in a process of its own. Its latencies are taken one by one, because its own summary counts whole
 * milliseconds.
 */
runPart<LoadJob>(async ({ url, callers, script, ...times }, tell) => {
  const meter = new LoadMeter(times, tell, () => load.stop());
  const createCaller = createCallers(script, () => meter.end());
  let connected = 0;
  const load = autocannon(
    {
      url,
      connections: callers,
      duration: longestSeconds,
      sampleInt: sampleMs,
      setupClient: (client) => client.setRequests([requestOf(createCaller(connected++))]),
    },
    () => undefined,
  );
  load.on('response', (_client, status, _bytes, latencyMs) => meter.record(String(status), latencyMs));
  load.on('reqError', () => meter.record('error', Number.NaN));
  load.once('start', () => meter.begin());
});

/** autocannon builds the bytes of a request that has `setupRequest` anew each time. */
function requestOf(caller: Caller): autocannon.Request {
  return {
    setupRequest: (request) => {
      const { method, path, headers, body } = caller.next();
      Object.assign(request, { method, path, body });
      if (body !== undefined) Object.assign(request.headers!, { 'content-type': 'application/json' });
      Object.assign(request.headers!, headers);
      return request;
    },
    ...(caller.answered === undefined
      ? {}
      : {
          onResponse: (status: number, body: string, _context: object, headers: object = {}) =>
            caller.answered?.(status, body, headers as Readonly<Record<string, unknown>>),
        }),
  };
}
