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

const until = (condition: () => boolean, description: string, timeoutMs = 5_000) =>
  waitFor(condition, { description, timeoutMs });

it('keeps the order of the bytes when a slow link becomes fast, and what a silent link held back', async () => {
  const link = await open();
  proxy.setMode({ kind: 'slow', delayMs: 50 });
  link.socket.write('a');
  await until(() => heard.endsWith('a'), 'the delayed byte');
  proxy.setMode({ kind: 'pass' });
  link.socket.write('b');
  await until(() => link.got === 'ab', 'both bytes in order');
  proxy.setMode({ kind: 'silent' });
  link.socket.write('c');
  await expect(until(() => link.got !== 'ab', 'a byte', 100)).rejects.toThrow('a byte');
  proxy.setMode({ kind: 'pass' });
  await until(() => link.got === 'abc', 'the byte that was held back');
});

it('passes the requests of a deaf link, loses the replies and then resets it; a cut resets every link', async () => {
  const [link, lost, idle] = [await open(), await open(), await open()];
  proxy.swallowReplyTo('commit');
  lost.socket.write('commit');
  await until(() => heard.endsWith('commit'), 'the request whose reply is lost');
  proxy.setMode({ kind: 'deaf' });
  link.socket.write('request');
  await until(() => heard.endsWith('request'), 'the request');
  proxy.setMode({ kind: 'pass' });
  await until(() => link.isClosed, 'the reset');
  expect(link.got + lost.got).toBe('');
  expect(idle.isClosed).toBe(false);
  expect(proxy.cut()).toBeGreaterThanOrEqual(1);
  await until(() => idle.isClosed, 'the reset of the cut');
});
