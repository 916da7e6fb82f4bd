import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { buildService } from './fixtures/build-service.ts';

const down = () =>
  Promise.reject(new Error('password authentication failed for user "app" at postgres://app:hunter2@db'));

test('live says that the process runs, also without its dependencies', async () => {
  const { app } = buildService(() => {}, { readiness: [{ name: 'postgresql', check: down }] });
  const answer = await app.inject('/health/live');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ status: 'live' });
  expect(answer.headers['cache-control']).toBe('no-store');
});

test('ready while every required dependency answers', async () => {
  const { app } = buildService(() => {}, {
    readiness: [{ name: 'postgresql', check: () => Promise.resolve(1) }],
  });
  const answer = await app.inject('/health/ready');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ status: 'ready' });
  expect(answer.headers['cache-control']).toBe('no-store');
});

test('unavailable without a required dependency; the answer holds no address and no reason', async () => {
  const { app } = buildService(() => {}, { readiness: [{ name: 'postgresql', check: down }] });
  const answer = await app.inject('/health/ready');
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toEqual({
    status: 'unavailable',
    parts: [{ name: 'postgresql', status: 'down', detail: 'cannot be used' }],
  });
  expect(answer.headers['cache-control']).toBe('no-store');
});

test('degraded, with 200, while an optional dependency does not work', async () => {
  const parts = [{ name: 'redis', status: 'down', detail: 'Redis does not answer.' }];
  let degraded = parts;
  const { app } = buildService(() => {}, { readiness: [], degradedDependencies: () => degraded });
  const answer = await app.inject('/health/ready');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ status: 'degraded', parts });
  expect(answer.headers['cache-control']).toBe('no-store');
  degraded = [];
  expect((await app.inject('/health/ready')).json()).toEqual({ status: 'ready' });
});

test('unavailable, not degraded, when a required and an optional dependency are down', async () => {
  const { app } = buildService(() => {}, {
    readiness: [{ name: 'postgresql', check: down }],
    degradedDependencies: () => [{ name: 'redis', status: 'down', detail: 'Redis does not answer.' }],
  });
  expect((await app.inject('/health/ready')).statusCode).toBe(503);
});

test('unavailable when a check throws synchronously', async () => {
  const check = () => {
    throw new Error('no pool');
  };
  const { app } = buildService(() => {}, { readiness: [{ name: 'postgresql', check }] });
  expect((await app.inject('/health/ready')).statusCode).toBe(503);
});

test('waits at most half a second for a check that hangs, and runs one check at a time', async () => {
  let calls = 0;
  const check = () => {
    calls += 1;
    return sleep(3_000, undefined, { ref: false });
  };
  const { app } = buildService(() => {}, { readiness: [{ name: 'postgresql', check }] });
  const startedAt = performance.now();
  const answers = await Promise.all(Array.from({ length: 20 }, () => app.inject('/health/ready')));
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  expect(calls).toBe(1);
  expect(answers[0]?.json()).toEqual({
    status: 'unavailable',
    parts: [{ name: 'postgresql', status: 'down', detail: 'did not answer within 500 ms' }],
  });
});

test('logs once that a dependency is down and once that it recovered', async () => {
  let isAway = true;
  const check = () => (isAway ? down() : Promise.resolve());
  const { app, lines } = buildService(() => {}, { readiness: [{ name: 'postgresql', check }] });
  await app.inject('/health/ready');
  await app.inject('/health/ready');
  isAway = false;
  expect((await app.inject('/health/ready')).statusCode).toBe(200);
  await app.inject('/health/ready');
  expect(
    lines.filter(({ msg }) => msg.startsWith('dependency')).map(({ level, msg }) => [level, msg]),
  ).toEqual([
    ['warn', 'dependency down'],
    ['info', 'dependency recovered'],
  ]);
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});

test('stopping from the stop signal on', async () => {
  const stopping = new AbortController();
  const { app } = buildService(() => {}, { stopping: stopping.signal });
  expect((await app.inject('/health/ready')).statusCode).toBe(200);
  stopping.abort();
  const answer = await app.inject('/health/ready');
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toEqual({ status: 'stopping' });
  expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', connection: 'close' });
  expect((await app.inject('/health/live')).statusCode).toBe(200);
});
