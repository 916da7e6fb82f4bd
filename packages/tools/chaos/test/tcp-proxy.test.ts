import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../src/faults/tcp-proxy.ts';

/** Answers each byte it gets with the same byte, and remembers all of them. */
const echo = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    heard += bytes.toString();
    socket.write(bytes);
  });
});
let heard = '';
let proxy: TcpProxy;

beforeAll(async () => {
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startTcpProxy((echo.address() as AddressInfo).port);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  echo.close();
});

async function open(): Promise<{ socket: Socket; said: () => string; isClosed: () => boolean }> {
  const socket = connect(proxy.port, '127.0.0.1');
  let said = '';
  let isClosed = false;
  socket.on('data', (bytes) => (said += bytes.toString()));
  socket.on('error', () => undefined);
  socket.on('close', () => (isClosed = true));
  await once(socket, 'connect');
  return { socket, said: () => said, isClosed: () => isClosed };
}

describe('a connection through the proxy', () => {
  it('passes everything on, in order, also where it becomes fast again', async () => {
    const { socket, said } = await open();
    socket.write('a');
    await waitFor(() => said() === 'a', { description: 'the echo' });
    proxy.setMode({ kind: 'slow', delayMs: 50 });
    socket.write('b');
    await waitFor(() => heard.endsWith('ab'), { description: 'the delayed byte' });
    proxy.setMode({ kind: 'pass' });
    socket.write('c');
    await waitFor(() => said().length === 3, { description: 'all of it' });
    expect(said()).toBe('abc');
    socket.destroy();
  });

  it('goes silent, and goes on where it was', async () => {
    const { socket, said } = await open();
    proxy.setMode({ kind: 'silent' });
    socket.write('x');
    const other = await open();
    other.socket.write('y');
    await expect(
      waitFor(() => said() + other.said(), { description: 'a word', timeoutMs: 30 }),
    ).rejects.toThrow('a word');
    proxy.setMode({ kind: 'pass' });
    await waitFor(() => said() === 'x' && other.said() === 'y', { description: 'the rest' });
    socket.destroy();
    other.socket.destroy();
  });

  it('is reset when it is cut', async () => {
    const { isClosed } = await open();
    expect(proxy.cut()).toBeGreaterThanOrEqual(1);
    await waitFor(isClosed, { description: 'the reset' });
  });

  it('lets requests be carried out and loses the replies', async () => {
    const { socket, said, isClosed } = await open();
    proxy.setMode({ kind: 'deaf' });
    heard = '';
    socket.write('done');
    await waitFor(() => heard === 'done', { description: 'the request' });
    socket.write('!');
    await waitFor(() => heard === 'done!', { description: 'another one, behind the first reply' });
    proxy.setMode({ kind: 'pass' });
    await waitFor(isClosed, { description: 'the reset' });
    expect(said()).toBe('');
  });

  it('loses the reply to one request and no other', async () => {
    const lost = await open();
    const kept = await open();
    const { done } = proxy.swallowReplyTo('commit');
    kept.socket.write('select');
    lost.socket.write('commit');
    await done;
    await waitFor(lost.isClosed, { description: 'the reset' });
    await waitFor(() => kept.said() === 'select', { description: 'the other reply' });
    expect(lost.said()).toBe('');
    kept.socket.destroy();
  });
});
