import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Buyers } from '../src/buyers.ts';

/** Two buyers with a seat each, at a service that answers like this. */
async function buyTwo(answer: RequestListener): Promise<Buyers> {
  const server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const seatIds = ['seat-1', 'seat-2'];
  const ways = [{ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }];
  const buyers = new Buyers({ size: 2, ways, nextSeat: () => seatIds.pop() });
  await buyers.buy();
  server.closeAllConnections();
  server.close();
  return buyers;
}

describe('buyers', () => {
  it.each<[string, RequestListener, RegExp]>([
    ['a refusal', (_, response) => response.writeHead(400).end('{"code":"SEAT_TAKEN"}'), /400 .*SEAT_TAKEN/],
    ['a page of a gateway', (_, response) => response.writeHead(502).end('<html>'), /no answer: SyntaxError/],
    [
      'a good status without JSON',
      (_, response) => response.writeHead(201).end('<html>'),
      /no answer: Syntax/,
    ],
    ['a connection that ends', (request) => request.socket.destroy(), /no answer: .*fetch failed/],
  ])('record %s as a failure, and not as a purchase', async (_, answer, why) => {
    const { failures, sold } = await buyTwo(answer);
    expect(sold).toBe(0);
    expect(failures).toEqual([expect.stringMatching(why), expect.stringMatching(why)]);
  });

  it('send a retryable request again under the same key, and record what was acknowledged', async () => {
    const keys: unknown[] = [];
    const { failures, retries, sold } = await buyTwo(({ url = '', headers }, response) => {
      const good = url.includes('/payment/') ? 200 : 201;
      const status = keys.includes(headers['idempotency-key']) ? good : 503;
      keys.push(headers['idempotency-key']);
      const body = JSON.stringify({ code: 'OVERLOADED', retryable: true, id: 'b-1' });
      response.writeHead(status).end(body);
    });
    const repeated = Array(4).fill('OVERLOADED');
    expect({ sold, failures, retries }).toEqual({ sold: 2, failures: [], retries: repeated });
    expect(new Set(keys).size).toBe(4);
    expect(keys).toHaveLength(8);
  });
});
