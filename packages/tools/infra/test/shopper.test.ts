import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Crowd } from '../src/crowd.ts';

let answer: RequestListener;
const server = createServer((request, response) => {
  request.resume();
  answer(request, response);
});
beforeEach(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

/** Two shoppers with a seat each. */
async function shop(): Promise<Crowd> {
  const seatIds = ['seat-1', 'seat-2'];
  const { port } = server.address() as AddressInfo;
  const ways = [{ url: `http://127.0.0.1:${port}` }];
  const crowd = new Crowd({ size: 2, ways, nextSeat: () => seatIds.pop() });
  await crowd.shop();
  return crowd;
}

describe('a crowd', () => {
  it('remembers what was acknowledged', async () => {
    answer = ({ url = '' }, response) => {
      const isPayment = url.includes('/payment/');
      response.writeHead(isPayment ? 200 : 201).end(JSON.stringify({ id: 'b-1' }));
    };
    const { purchases, failures, sold } = await shop();
    expect(purchases).toHaveLength(2);
    expect({ sold, failures }).toEqual({ sold: 2, failures: [] });
  });

  it.each<[string, RequestListener, RegExp]>([
    ['a refusal', (_, response) => response.writeHead(400).end('{"code":"SEAT_TAKEN"}'), /400 .*SEAT_TAKEN/],
    ['a page of a gateway', (_, response) => response.writeHead(502).end('<html>'), /no answer: SyntaxError/],
    [
      'an answer that is none',
      (_, response) => response.writeHead(201).end('<html>'),
      /no answer: SyntaxError/,
    ],
    ['a connection that ends', (request) => request.socket.destroy(), /no answer: .*fetch failed/],
  ])('counts as a failure, and as no sale: %s', async (_, manner, why) => {
    answer = manner;
    const { failures, sold } = await shop();
    expect(sold).toBe(0);
    expect(failures).toEqual([expect.stringMatching(why), expect.stringMatching(why)]);
  });

  it('sends what is retryable again, under the same key', async () => {
    const keys: (string | string[] | undefined)[] = [];
    answer = ({ headers }, response) => {
      keys.push(headers['idempotency-key']);
      const isFirst = keys.filter((key) => key === headers['idempotency-key']).length === 1;
      const body = { code: 'OVERLOADED', retryable: true, id: 'b-1' };
      response.writeHead(isFirst ? 503 : 201).end(JSON.stringify(body));
    };
    const { failures, retries } = await shop();
    expect({ failures, retries }).toEqual({ failures: [], retries: Array(4).fill('OVERLOADED') });
    expect(new Set(keys).size).toBe(4);
    expect(keys).toHaveLength(8);
  });
});
