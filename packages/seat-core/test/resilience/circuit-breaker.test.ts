import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import {
  Dependency,
  DependencyAwayError,
  type DependencyOptions,
} from '../../src/resilience/circuit-breaker.ts';
import { LateError } from '../../src/resilience/deadline.ts';

const opened: Dependency[] = [];
afterEach(() => {
  for (const dependency of opened.splice(0)) dependency[Symbol.dispose]();
});

/** A dependency that is well or not, as the test says. */
function createDependency(options: Partial<DependencyOptions> = {}) {
  const seen = {
    isWell: true,
    probes: 0,
    states: [] as boolean[],
    awayMs: [] as number[],
    log: [] as string[],
  };
  const note = (_: object, message: string) => void seen.log.push(message);
  const dependency = new Dependency({
    name: 'redis',
    probe: async () => {
      seen.probes += 1;
      if (!seen.isWell) throw new Error('ECONNREFUSED');
    },
    limitMs: 50,
    probeEveryMs: 5,
    logger: { debug() {}, info: note, warn: note, error: note },
    onState: (isAway) => void seen.states.push(isAway),
    onReturn: async (awayMs) => void seen.awayMs.push(awayMs),
    ...options,
  });
  opened.push(dependency);
  return { dependency, seen };
}

const refused = () => Promise.reject(new Error('ECONNREFUSED'));

it('passes work and its answer through while all is well', async () => {
  const { dependency, seen } = createDependency();
  expect(await dependency.run(async () => 'PONG')).toBe('PONG');
  expect(dependency.isAway).toBe(false);
  expect(seen.states).toEqual([false]);
});

it('refuses work at once after a failure, without beginning it', async () => {
  const { dependency, seen } = createDependency();
  seen.isWell = false;
  await expect(dependency.run(refused)).rejects.toThrow('ECONNREFUSED');
  let begun = 0;
  const work = async () => (begun += 1);
  await expect(dependency.run(work)).rejects.toThrow(DependencyAwayError);
  expect(begun).toBe(0);
  expect(dependency.isAway).toBe(true);
});

it('believes an error at once that is certain, where others take several', async () => {
  const { dependency } = createDependency({
    opensAfter: 3,
    probeEveryMs: 60_000,
    isCertain: (error) => error instanceof LateError,
  });
  await expect(dependency.run(refused)).rejects.toThrow('ECONNREFUSED');
  expect(dependency.isAway).toBe(false);
  await expect(dependency.run(() => new Promise(() => {}))).rejects.toThrow(LateError);
  expect(dependency.isAway).toBe(true);
});

it('counts failures in a row where one is not enough, and a success begins the count anew', async () => {
  const { dependency } = createDependency({ opensAfter: 3, probeEveryMs: 60_000 });
  await dependency.run(async () => 1);
  await expect(dependency.run(refused)).rejects.toThrow('ECONNREFUSED');
  await expect(dependency.run(refused)).rejects.toThrow('ECONNREFUSED');
  await dependency.run(async () => 1);
  await expect(dependency.run(refused)).rejects.toThrow('ECONNREFUSED');
  await expect(dependency.run(refused)).rejects.toThrow('ECONNREFUSED');
  expect(dependency.isAway).toBe(false);
  await expect(dependency.run(refused)).rejects.toThrow('ECONNREFUSED');
  expect(dependency.isAway).toBe(true);
});

it('opens by its probe, with nobody asking for anything', async () => {
  const { dependency, seen } = createDependency();
  seen.isWell = false;
  await expect.poll(() => dependency.isAway).toBe(true);
});

it('closes by its probe alone, tells so, and has made good what the outage left behind', async () => {
  const { dependency, seen } = createDependency();
  seen.isWell = false;
  await expect.poll(() => dependency.isAway).toBe(true);
  const before = seen.probes;
  await expect.poll(() => seen.probes).toBeGreaterThan(before + 3);
  seen.isWell = true;
  await expect.poll(() => dependency.isAway).toBe(false);
  expect(await dependency.run(async () => 'PONG')).toBe('PONG');
  expect(seen.states).toEqual([false, true, false]);
  expect(seen.log).toEqual(['a part is away; no request waits for it', 'a part is back']);
  expect(seen.awayMs).toHaveLength(1);
});

it('gives work up that takes too long, its outcome unknown, and sends no more', async () => {
  const { dependency, seen } = createDependency();
  seen.isWell = false;
  await expect(dependency.run(() => new Promise(() => undefined))).rejects.toThrow(LateError);
  await expect(dependency.run(async () => 1)).rejects.toThrow(DependencyAwayError);
});

it('does not take a refusal of the work for an outage', async () => {
  const { dependency } = createDependency({
    isOutage: (error) => !(error instanceof TypeError),
    probeEveryMs: 60_000,
  });
  await expect(dependency.run(() => Promise.reject(new TypeError('WRONGTYPE')))).rejects.toThrow(TypeError);
  expect(dependency.isAway).toBe(false);
});

it('calls nobody late whose answer lay unread because this process was busy', async () => {
  const server = createServer((socket) => socket.on('data', (data) => socket.write(data)));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(client, 'connect');
  const echo = async () => {
    client.write('hello');
    // The echo is in the socket before the loop is let go.
    setImmediate(() => {
      setImmediate(() => {
        const until = performance.now() + 100;
        while (performance.now() < until);
      });
    });
    const [data] = (await once(client, 'data')) as [Buffer];
    return String(data);
  };
  const { dependency } = createDependency({ probeEveryMs: 60_000 });
  expect(await dependency.run(echo)).toBe('hello');
  client.destroy();
  for (const socket of sockets) socket.destroy();
  server.close();
});
