import autocannon from 'autocannon';
import { runChild } from '../rig/child-process.ts';
import type { LoadJob } from './load-job.ts';
import { createMeter } from './load-meter.ts';
import { createCallers, type Caller } from './scripts.ts';

/** How often autocannon notices that it was stopped. */
const sampleMs = 50;
/** Longer than any load: the end of the window stops it. */
const longestSeconds = 600;

/* autocannon in a process of its own. The meter takes each latency, since autocannon's summary counts whole milliseconds. */
runChild(async (job, send) => {
  const { url, callers, script, ...times } = job as LoadJob;
  const loads: autocannon.Instance[] = [];
  const meter = createMeter(times, send, () => {
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
    addresses: readonly string[],
    createNext: () => Caller,
    options: Pick<autocannon.Options, 'connections' | 'overallRate'>,
  ) => {
    const load = autocannon(
      {
        ...options,
        // Its types know one address; it takes several, and gives them to its connections in turn.
        url: addresses as unknown as string,
        duration: longestSeconds,
        sampleInt: sampleMs,
        setupClient: (client) => client.setRequests([requestOf(createNext())]),
      },
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
  let last = '';
  const payer: Caller = {
    next: () => {
      last = unpaid.shift() ?? last;
      return { method: 'POST', path: `/api/v1/payment/${last}/confirm` };
    },
  };
  start([url].flat(), () => createCaller(connected++), { connections: callers }).once('start', () => {
    meter.begin();
    if (script.kind !== 'on-sale') return;
    setTimeout(() => {
      // One confirmation for 99 requests, at the rate that the warm-up had.
      const overallRate = Math.max(1, Math.round(answered / (times.warmUpMs / 1_000) / 99));
      if (unpaid.length > 0) start([script.paymentApiUrl], () => payer, { connections: 1, overallRate });
    }, times.warmUpMs);
  });
  process.on('message', () => meter.end());
});

/** autocannon builds the bytes of a request that has `setupRequest` anew each time. */
function requestOf({ next, answered }: Caller): autocannon.Request {
  return {
    setupRequest: (request) => {
      const { method, path, headers, body } = next();
      // A copy: autocannon writes the length of a body into the headers, and keeps it for the next request.
      const own = { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
      return Object.assign(request, { method, path, body, headers: own });
    },
    ...(answered && {
      onResponse: (status: number, body: string, _context: object, headers: object = {}) =>
        answered(status, body, headers as Readonly<Record<string, unknown>>),
    }),
  };
}
