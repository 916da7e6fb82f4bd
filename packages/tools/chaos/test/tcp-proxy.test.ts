import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../src/faults/tcp-proxy.ts';

let heard = '';
/** Answers with the bytes that it gets. */
const echo = createServer((socket: Socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    heard += bytes.toString();
    socket.write(bytes);
  });
});
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

async function open() {
  const socket = connect(proxy.port, '127.0.0.1');
  const state = { socket, got: '', isClosed: false };
  socket.on('data', (bytes) => (state.got += bytes.toString()));
  socket.on('error', () => undefined);
  socket.on('close', () => (state.isClosed = true));
  await once(socket, 'connect');
  return state;
}

const until = (condition: () => boolean, description: string) => waitFor(condition, { description });

it('a slow link keeps the order of the bytes, also when it becomes fast again', async () => {
  const link = await open();
  proxy.setMode({ kind: 'slow', delayMs: 50 });
  link.socket.write('a');
  await until(() => heard.endsWith('a'), 'the delayed byte');
  proxy.setMode({ kind: 'pass' });
  link.socket.write('b');
  await until(() => link.got === 'ab', 'both bytes');
});

it('a silent link passes nothing, and then goes on where it was', async () => {
  const link = await open();
  proxy.setMode({ kind: 'silent' });
  link.socket.write('x');
  const echoed = waitFor(() => link.got, { description: 'a byte', timeoutMs: 30 });
  await expect(echoed).rejects.toThrow('a byte');
  proxy.setMode({ kind: 'pass' });
  await until(() => link.got === 'x', 'the byte');
});

it('a deaf link passes requests, loses replies, and is reset at its end', async () => {
  const link = await open();
  proxy.setMode({ kind: 'deaf' });
  link.socket.write('request');
  await until(() => heard.endsWith('request'), 'the request');
  proxy.setMode({ kind: 'pass' });
  await until(() => link.isClosed, 'the reset');
  expect(link.got).toBe('');
});

it('a swallowed reply is lost with its connection, and no other reply is', async () => {
  const lost = await open();
  const kept = await open();
  const { done } = proxy.swallowReplyTo('commit');
  kept.socket.write('select');
  lost.socket.write('commit');
  await done;
  await until(() => lost.isClosed && kept.got === 'select', 'the reset and the other reply');
  expect(lost.got).toBe('');
});

it('a cut resets every connection', async () => {
  const link = await open();
  expect(proxy.cut()).toBeGreaterThanOrEqual(1);
  await until(() => link.isClosed, 'the reset');
});
