import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import {
  CircuitBreaker,
  CircuitOpenError,
  type CircuitBreakerOptions,
} from '../../src/resilience/circuit-breaker.ts';
import { DeadlineError } from '../../src/resilience/deadline.ts';
import { createRecordingLogger } from '../fixtures/recording-logger.ts';

/** A client that answers while the test lets it. */
const client = { ping: async () => 'PONG' };

const opened: CircuitBreaker<typeof client>[] = [];
afterEach(() => {
  for (const breaker of opened.splice(0)) breaker.stop();
});

function createBreaker(options: Partial<CircuitBreakerOptions<typeof client>> = {}) {
  const { logger, lines } = createRecordingLogger();
  const seen = { isUp: true, probes: 0, states: [] as boolean[], outages: [] as number[] };
  const breaker = new CircuitBreaker({
    name: 'redis',
    client,
    probe: async () => {
      seen.probes += 1;
      if (!seen.isUp) throw new Error('ECONNREFUSED');
    },
    limitMs: 50,
    probeEveryMs: 5,
    logger,
    onState: (isOpen) => void seen.states.push(isOpen),
    onClosed: async (outageMs) => void seen.outages.push(outageMs),
    ...options,
  });
  opened.push(breaker);
  const log = () => lines.filter(({ level }) => level !== 'debug');
  return { breaker, seen, log };
}

const refused = () => Promise.reject(new Error('ECONNREFUSED'));

it('a closed circuit passes work and its answer through', async () => {
  const { breaker, seen } = createBreaker();
  expect(await breaker.run((given) => given.ping())).toBe('PONG');
  expect(breaker.isOpen).toBe(false);
  expect(seen.states).toEqual([false]);
});

it('an open circuit refuses work at once, without starting it', async () => {
  const { breaker, seen } = createBreaker();
  seen.isUp = false;
  await expect(breaker.run(refused)).rejects.toThrow('ECONNREFUSED');
  let started = 0;
  const work = async () => (started += 1);
  await expect(breaker.run(work)).rejects.toThrow(CircuitOpenError);
  expect(started).toBe(0);
  expect(breaker.isOpen).toBe(true);
});

it('a certain error opens the circuit alone, where others take several', async () => {
  const { breaker } = createBreaker({
    opensAfter: 3,
    probeEveryMs: 60_000,
    isCertain: (error) => error instanceof DeadlineError,
  });
  await expect(breaker.run(refused)).rejects.toThrow('ECONNREFUSED');
  expect(breaker.isOpen).toBe(false);
  await expect(breaker.run(() => new Promise(() => {}))).rejects.toThrow(DeadlineError);
  expect(breaker.isOpen).toBe(true);
});

it('the circuit opens after several failures in a row; a success starts the count again', async () => {
  const { breaker } = createBreaker({ opensAfter: 3, probeEveryMs: 60_000 });
  await breaker.run(async () => 1);
  await expect(breaker.run(refused)).rejects.toThrow('ECONNREFUSED');
  await expect(breaker.run(refused)).rejects.toThrow('ECONNREFUSED');
  await breaker.run(async () => 1);
  await expect(breaker.run(refused)).rejects.toThrow('ECONNREFUSED');
  await expect(breaker.run(refused)).rejects.toThrow('ECONNREFUSED');
  expect(breaker.isOpen).toBe(false);
  await expect(breaker.run(refused)).rejects.toThrow('ECONNREFUSED');
  expect(breaker.isOpen).toBe(true);
});

it('the circuit opens by its probe, without any work', async () => {
  const { breaker, seen } = createBreaker();
  seen.isUp = false;
  await expect.poll(() => breaker.isOpen).toBe(true);
});

it('the circuit closes by its probe alone, logs it, and starts the recovery', async () => {
  const { breaker, seen, log } = createBreaker();
  seen.isUp = false;
  await expect.poll(() => breaker.isOpen).toBe(true);
  const before = seen.probes;
  await expect.poll(() => seen.probes).toBeGreaterThan(before + 3);
  seen.isUp = true;
  await expect.poll(() => breaker.isOpen).toBe(false);
  expect(await breaker.run((given) => given.ping())).toBe('PONG');
  expect(seen.states).toEqual([false, true, false]);
  expect(log()).toMatchObject([
    {
      level: 'warn',
      message: 'circuit opened: work is refused at once until a probe succeeds',
      fields: { dependency: 'redis' },
    },
    {
      level: 'info',
      message: 'circuit closed: the dependency is back',
      fields: { dependency: 'redis', outageMs: seen.outages[0] },
    },
  ]);
  expect(seen.outages).toHaveLength(1);
});

it('work beyond its limit fails with DeadlineError and opens the circuit', async () => {
  const { breaker, seen } = createBreaker();
  seen.isUp = false;
  await expect(breaker.run(() => new Promise(() => undefined))).rejects.toThrow(DeadlineError);
  await expect(breaker.run(async () => 1)).rejects.toThrow(CircuitOpenError);
});

it('a refusal of the work is no outage', async () => {
  const { breaker } = createBreaker({
    isOutage: (error) => !(error instanceof TypeError),
    probeEveryMs: 60_000,
  });
  await expect(breaker.run(() => Promise.reject(new TypeError('WRONGTYPE')))).rejects.toThrow(TypeError);
  expect(breaker.isOpen).toBe(false);
});

it('work that is refused although the probe succeeds opens the circuit once in two seconds at most', async () => {
  const { breaker, seen } = createBreaker({ isRefusal: () => true });
  await expect.poll(() => seen.probes).toBeGreaterThan(0);
  const until = performance.now() + 1_000;
  while (performance.now() < until) {
    await breaker.run(refused).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(seen.states.filter((isOpen) => isOpen)).toHaveLength(2);
});

it('a probe is thorough at the start and while the circuit is open, and seldom otherwise', async () => {
  const asked: boolean[] = [];
  const probe = async (_: unknown, isThorough: boolean) => {
    asked.push(isThorough);
    if (!seen.isUp) throw new Error('NOPERM');
  };
  const { breaker, seen } = createBreaker({ probe });
  await expect.poll(() => asked.length).toBeGreaterThan(5);
  expect(asked.slice(0, 5)).toEqual([true, false, false, false, false]);
  seen.isUp = false;
  await expect.poll(() => breaker.isOpen).toBe(true);
  asked.length = 0;
  await expect.poll(() => asked.length).toBeGreaterThan(5);
  expect(new Set(asked)).toEqual(new Set([true]));
});

it('an answer that lay unread in the socket of a busy process is not late', async () => {
  const server = createServer((peer) => peer.on('data', (data) => peer.write(data)));
  const sockets = new Set<Socket>();
  server.on('connection', (peer) => sockets.add(peer)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(socket, 'connect');
  const echo = async () => {
    socket.write('hello');
    // The echo is in the socket before the event loop reads it.
    setImmediate(() => {
      setImmediate(() => {
        const until = performance.now() + 100;
        while (performance.now() < until);
      });
    });
    const [data] = (await once(socket, 'data')) as [Buffer];
    return String(data);
  };
  const { breaker } = createBreaker({ probeEveryMs: 60_000 });
  expect(await breaker.run(echo)).toBe('hello');
  socket.destroy();
  for (const peer of sockets) peer.destroy();
  server.close();
});

it('a closed breaker probes no more', async () => {
  const { breaker, seen } = createBreaker();
  await expect.poll(() => seen.probes).toBeGreaterThan(1);
  breaker.stop();
  const before = seen.probes;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(seen.probes).toBeLessThanOrEqual(before + 1);
});
