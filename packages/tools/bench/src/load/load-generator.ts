import autocannon from 'autocannon';
import { runPart } from '../parts/run-part.ts';
import type { Caller } from './caller.ts';
import { createCallers } from './callers.ts';
import type { LoadJob, LoadRequest } from './load-job.ts';
import { LoadMeter } from './load-meter.ts';

/** autocannon notices that it is told to stop this often. */
const sampleMs = 50;
/** Longer than any load: it is stopped when the window is over. */
const longestSeconds = 600;

/*
 * autocannon in a process of its own. Its latencies are taken one by one, because its own summary counts whole
 * milliseconds.
 */
runPart(async (job, tell) => {
  const { url, callers, script, ...times } = job as LoadJob;
  const loads: autocannon.Instance[] = [];
  const meter = new LoadMeter(times, tell, () => {
    for (const load of loads) load.stop();
  });
  const unpaid: string[] = [];
  const createCaller = createCallers(
    { script, callers },
    { onExhausted: () => meter.end(), onBooked: (bookingId) => unpaid.push(bookingId) },
  );
  let connected = 0;
  let answered = 0;
  const start = (
    options: Pick<autocannon.Options, 'connections' | 'overallRate' | 'setupClient'>,
    to: string[],
  ) => {
    const load = autocannon(
      // Its types know one address; it takes several, and gives them to its connections in turn.
      { ...options, url: to as unknown as string, duration: longestSeconds, sampleInt: sampleMs },
      () => undefined,
    );
    load.on('response', (_client, status, _bytes, latencyMs) => {
      answered += 1;
      meter.record(String(status), latencyMs);
    });
    load.on('reqError', () => meter.record('error', Number.NaN));
    loads.push(load);
    return load;
  };
  const setupClient = (client: autocannon.Client) =>
    client.setRequests([requestOf(createCaller(connected++))]);
  const main = start({ connections: callers, setupClient }, [url].flat());
  main.once('start', () => {
    meter.begin();
    if (script.kind !== 'on-sale') return;
    const startPaying = () => {
      if (unpaid.length === 0) return;
      // As many as belong to what the visitors were just seen to do.
      const overallRate = Math.max(1, Math.round(answered / (times.warmUpMs / 1_000) / 99));
      const pay = {
        setupClient: (client: autocannon.Client) => client.setRequests([requestOf({ next: nextPayment })]),
      };
      start({ ...pay, connections: 1, overallRate }, [script.paymentApiUrl]);
    };
    setTimeout(startPaying, times.warmUpMs);
  });
  let last = '';
  const nextPayment = (): LoadRequest => {
    last = unpaid.shift() ?? last;
    return { method: 'POST', path: `/api/v1/payment/${last}/confirm` };
  };
  process.on('message', () => meter.end());
});

/** autocannon builds the bytes of a request that has `setupRequest` anew each time. */
function requestOf(caller: Caller): autocannon.Request {
  return {
    setupRequest: (request) => {
      const { method, path, headers, body } = caller.next();
      // Headers of its own: autocannon writes the length of a body into what it finds, and keeps it for the next request.
      const own = { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
      return Object.assign(request, { method, path, body, headers: own });
    },
    ...(caller.answered === undefined
      ? {}
      : {
          onResponse: (status: number, body: string, _context: object, headers: object = {}) =>
            caller.answered?.(status, body, headers as Readonly<Record<string, unknown>>),
        }),
  };
}
