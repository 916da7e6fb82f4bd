import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { cpuMicros, cpuMicrosOfFamily } from '../rig/process-usage.ts';
import { costedRequests, type CostedRequest } from './costed-requests.ts';
import type { Crowd } from './crowd.ts';

export interface RequestCost extends Pick<CostedRequest, 'title' | 'access' | 'cold'> {
  readonly service: 'booking-api' | 'payment-api';
  readonly method: string;
  /** A status, or why there was no answer. */
  readonly answer: string;
  /** CPU time of the service and of PostgreSQL, per request. */
  readonly serviceMs: number;
  readonly postgresMs: number;
  /** As they crossed the line, headers included; of a live connection its first message. */
  readonly bytes: number;
}

export interface CostEffort {
  /** At least so many requests of a kind, and … */
  readonly requests: number;
  /** … for so long, unless each one needs a pause before it. */
  readonly measureMs: number;
  /** How long a changed map may still be answered from what is kept. */
  readonly mapPauseMs: number;
}

interface Answered {
  readonly answer: string;
  readonly bytes: number;
}

type Cpu = readonly [service: number, postgres: number];

/** Longer than anything read is kept, but for a large map: that one pauses for four times the work that it was. */
const pauseMs = 1_200;

/** Sends each kind of request one by one, so that all CPU time is that of the one request, less what idle time costs. */
export async function measureRequestCosts(
  crowd: Crowd,
  effort: CostEffort,
  onCost: (cost: RequestCost) => void = () => undefined,
): Promise<RequestCost[]> {
  const costs: RequestCost[] = [];
  for (const costed of costedRequests(crowd)) {
    const cost = await measureOne(crowd, costed, effort);
    costs.push(cost);
    onCost(cost);
  }
  return costs;
}

async function measureOne(crowd: Crowd, costed: CostedRequest, effort: CostEffort): Promise<RequestCost> {
  const { service = 'booking-api', title, method = 'GET', access, cold } = costed;
  const url = `${crowd.urls[service]}${costed.path}`;
  const headers = {
    ...(costed.body !== undefined && { 'content-type': 'application/json' }),
    ...(access !== undefined && { authorization: crowd.organizer }),
    ...costed.headers,
  };
  const send = async () =>
    costed.isLive === true ? openLive(url) : exchange(url, { method, headers }, costed.body);
  const readCpu = async (): Promise<Cpu> => [
    await cpuMicros([crowd.pids[service]]),
    await cpuMicrosOfFamily(crowd.pids.postgresql),
  ];
  // The first one warms what is kept, and the code.
  let answered = await send();
  const idle = await cpuPerMs(readCpu);
  let [spentService, spentPostgres, count] = [0, 0, 0];
  const startedAt = performance.now();
  const measureMs = cold === undefined ? effort.measureMs : 0;
  while (count < effort.requests || performance.now() - startedAt < measureMs) {
    if (cold === 'a seat changed') await crowd.changeSeat();
    if (cold !== undefined) await delay(cold === 'a seat changed' ? effort.mapPauseMs : pauseMs);
    const [batchStartedAt, before] = [performance.now(), await readCpu()];
    // The counters count in hundredths of a second: a batch is long enough for them.
    const batch = cold === undefined ? Math.max(1, Math.floor(effort.requests / 2)) : 1;
    for (let index = 0; index < batch; index += 1) answered = await send();
    const after = await readCpu();
    const ms = performance.now() - batchStartedAt;
    spentService += after[0] - before[0] - idle[0] * ms;
    spentPostgres += after[1] - before[1] - idle[1] * ms;
    count += batch;
  }
  const perRequest = (micros: number): number => Math.max(0, micros / 1_000 / count);
  return {
    service,
    title,
    method,
    ...(access !== undefined && { access }),
    ...(cold !== undefined && { cold }),
    ...answered,
    serviceMs: perRequest(spentService),
    postgresMs: perRequest(spentPostgres),
  };
}

/** CPU time per millisecond in which no request comes: probes, comparisons, timers. */
async function cpuPerMs(readCpu: () => Promise<Cpu>): Promise<Cpu> {
  const [startedAt, before] = [performance.now(), await readCpu()];
  await delay(1_000);
  const after = await readCpu();
  const ms = performance.now() - startedAt;
  return [(after[0] - before[0]) / ms, (after[1] - before[1]) / ms];
}

/** On a connection of its own, as of a caller who is new. */
async function exchange(
  url: string,
  options: { method: string; headers: Readonly<Record<string, string>> },
  body?: string,
): Promise<Answered> {
  return new Promise((resolve) => {
    const sent = request(url, { agent: false, ...options });
    // A service that refuses a long body by its headers closes the line before it has read the body.
    sent.on('error', () => resolve({ answer: 'cut off', bytes: 0 }));
    sent.on('response', (response) => {
      const { socket, statusCode } = response;
      response.resume().on('end', () => resolve({ answer: String(statusCode), bytes: socket.bytesRead }));
    });
    sent.end(body);
  });
}

async function openLive(url: string): Promise<Answered> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      resolve({ answer: String(response.statusCode), bytes: response.socket.bytesRead });
      response.destroy();
    });
    socket.on('message', (message: Buffer) => {
      resolve({ answer: '101', bytes: message.length });
      socket.terminate();
    });
  });
}
