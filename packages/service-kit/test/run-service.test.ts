import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { LogLine } from './fixtures/build-service.ts';
import { parseAnswer, RawClient } from './fixtures/raw-client.ts';

const script = fileURLToPath(new URL('fixtures/service.mjs', import.meta.url));
const timeout = 20_000;

class ServiceProcess {
  readonly child: ChildProcess;
  out = '';
  err = '';
  private readonly ended: Promise<unknown>;

  constructor(env: Record<string, string>) {
    this.child = spawn(process.execPath, [script], {
      env: {
        DATABASE_URL: 'postgres://app:hunter2@127.0.0.1/x',
        REDIS_URL: 'redis://127.0.0.1',
        FIXTURE_PORT: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout!.on('data', (bytes: Buffer) => (this.out += bytes.toString()));
    this.child.stderr!.on('data', (bytes: Buffer) => (this.err += bytes.toString()));
    this.ended = once(this.child, 'close');
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  get lines(): LogLine[] {
    return this.out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine);
  }

  get messages(): string[] {
    return this.lines.map(({ msg }) => msg);
  }

  async line(msg: string): Promise<LogLine> {
    return vi.waitFor(
      () => {
        const line = this.lines.find((candidate) => candidate.msg.startsWith(msg));
        if (line === undefined) throw new Error(`no line "${msg}" in:\n${this.out}${this.err}`);
        return line;
      },
      { timeout: 10_000, interval: 20 },
    );
  }

  async port(): Promise<number> {
    const { msg } = await this.line('listening on');
    return Number(new URL(msg.replace('listening on ', '')).port);
  }

  /** @returns exit code and the milliseconds until then */
  async exit(): Promise<{ code: number | null; tookMs: number }> {
    const startedAt = performance.now();
    await this.ended;
    return { code: this.child.exitCode, tookMs: performance.now() - startedAt };
  }
}

const slow = (ms: number) => [`GET /slow?ms=${ms} HTTP/1.1`, 'host: x', 'connection: keep-alive', '', ''];

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s answers requests in flight, closes in order and exits 0',
  { timeout },
  async (signal) => {
    const service = new ServiceProcess({});
    const port = await service.port();
    const busy = await RawClient.connectTo(port);
    const idle = await RawClient.connectTo(port);
    const silent = await RawClient.connectTo(port);
    idle.send('GET /health/ready HTTP/1.1', 'host: x', '', '');
    await idle.until('ready');
    busy.send(...slow(700));
    await sleep(200);

    service.child.kill(signal);
    const { code, tookMs } = await service.exit();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(3_000);
    const answer = parseAnswer(await busy.closed());
    expect(answer).toMatchObject({ status: 200, body: '{"done":true}' });
    expect(answer.headers['connection']).toBe('close');
    await silent.closed();
    expect(service.messages.slice(1)).toEqual([
      'stopping',
      'request',
      'closed first',
      'closed second',
      'stopped',
    ]);
    expect(service.err).toBe('');
  },
);

test('readiness says "stopping" and requests are served during the shutdown delay', { timeout }, async () => {
  const service = new ServiceProcess({ SHUTDOWN_DELAY_SECONDS: '1' });
  const port = await service.port();
  service.child.kill('SIGTERM');
  await service.line('stopping');
  const ready = await fetch(`http://127.0.0.1:${port}/health/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toEqual({ status: 'stopping' });
  expect((await fetch(`http://127.0.0.1:${port}/slow?ms=1`)).status).toBe(200);
  const { code, tookMs } = await service.exit();
  expect(code).toBe(0);
  expect(tookMs).toBeGreaterThan(500);
});

test('a second signal exits at once', { timeout }, async () => {
  const service = new ServiceProcess({});
  const client = await RawClient.connectTo(await service.port());
  client.send(...slow(6_000));
  await sleep(200);
  service.child.kill('SIGTERM');
  await service.line('stopping');
  service.child.kill('SIGTERM');
  const { code, tookMs } = await service.exit();
  expect(code).toBe(1);
  expect(tookMs).toBeLessThan(3_000);
  expect(service.messages).toContain('second signal, exiting at once');
});

test('a failed close step is logged, the next one still runs, exit 1', { timeout }, async () => {
  const service = new ServiceProcess({ FIXTURE_MODE: 'close-fails' });
  await service.port();
  service.child.kill('SIGTERM');
  expect((await service.exit()).code).toBe(1);
  expect(await service.line('close step failed')).toMatchObject({
    err: { message: 'the pool would not end' },
  });
  expect(service.messages).toContain('closed second');
});

test('a close step that hangs ends the process with 1 after the limit', { timeout }, async () => {
  const service = new ServiceProcess({ FIXTURE_MODE: 'close-hangs' });
  await service.port();
  service.child.kill('SIGTERM');
  const { code, tookMs } = await service.exit();
  expect(code).toBe(1);
  expect(tookMs).toBeLessThan(12_000);
  expect(service.messages.at(-1)).toBe('closing took too long, exiting');
});

test('a signal during the start exits 0', { timeout }, async () => {
  const service = new ServiceProcess({ FIXTURE_MODE: 'start-hangs' });
  await service.line('starting');
  service.child.kill('SIGTERM');
  expect((await service.exit()).code).toBe(0);
  expect(service.messages).toEqual(['starting', 'stopping', 'stopped']);
});

test(
  'a wrong environment is reported in one message without values or stack, exit 1',
  { timeout },
  async () => {
    const service = new ServiceProcess({
      DATABASE_URL: 'mysql://hunter2',
      REDIS_URL: '',
      LOG_LEVEL: 'louder',
    });
    expect((await service.exit()).code).toBe(1);
    expect(service.out).toBe('');
    expect(service.err).toBe(
      [
        'fixture cannot start: 3 environment variables are missing or wrong:',
        '  - REDIS_URL is not set: it must be a redis:// or rediss:// URL',
        '  - DATABASE_URL must be a postgres:// or postgresql:// URL',
        '  - LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
        '',
      ].join('\n'),
    );
  },
);

test('a failed start is logged in one line, exit 1', { timeout }, async () => {
  const service = new ServiceProcess({ FIXTURE_MODE: 'start-fails' });
  expect((await service.exit()).code).toBe(1);
  expect(service.lines).toHaveLength(1);
  expect(service.lines[0]).toMatchObject({
    level: 'fatal',
    msg: 'could not start: connect failed for redis://[redacted]@127.0.0.1:6379: ECONNREFUSED',
  });
  expect(service.out + service.err).not.toContain('hunter2');
});

test('a start that cannot connect logs the address', { timeout }, async () => {
  const service = new ServiceProcess({ FIXTURE_MODE: 'start-refused' });
  expect((await service.exit()).code).toBe(1);
  expect(service.messages).toEqual([
    expect.stringMatching(/^could not start: connect ECONNREFUSED (127\.0\.0\.1|::1):1$/),
  ]);
});

test('a port in use is logged in one line, exit 1', { timeout }, async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void holder.close());
  await once(holder, 'listening');
  const { port } = holder.address() as { port: number };
  const service = new ServiceProcess({ FIXTURE_PORT: String(port) });
  expect((await service.exit()).code).toBe(1);
  expect(service.messages).toEqual([
    `could not start: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
  ]);
});

test.each([
  ['/throw-later', 'thrown later'],
  ['/reject-later', 'rejected later'],
])('an uncaught error (%s) is logged, exit 1', { timeout }, async (path, message) => {
  const service = new ServiceProcess({});
  const port = await service.port();
  await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  expect((await service.exit()).code).toBe(1);
  expect(await service.line('unexpected error, exiting')).toMatchObject({ level: 'fatal', err: { message } });
});
