import getPort from 'get-port';
import { describe, expect, it } from 'vitest';
import { startEchoServer } from '../src/echo-server.ts';
import { startGateway, type Gateway } from '../src/start-gateway.ts';
import { broken } from './broken.ts';
import { expectBoundedAddress, expectBoundedInAll, expectBoundedSockets } from './gateway-limit-probes.ts';
import {
  expectBounds,
  expectBurstCut,
  expectClientAddress,
  expectFoundAgain,
  expectHeaders,
  expectIndonesian,
  expectKeptConnections,
  expectLeastBusy,
  expectPassedOn,
  expectPassedOver,
  expectRequestIds,
  expectSentOnce,
  expectUnavailable,
  expectUnknownOutcome,
  expectUnknownPath,
  expectWebSocket,
  expectWritesCut,
} from './gateway-probes.ts';
import { makeRunFolder } from './run-folder.ts';

/*
 * What gateway.infra.test.ts asks of the gateway is asked of one with a single edit, and notices it.
 */

describe('the questions to the gateway find', () => {
  const nowhere = 1;
  /** An expectation that was not met, or an answer that is no JSON. */
  const noticed = /^expected | JSON/;

  /** A gateway with one edit in front of the ports of these. */
  async function startBroken(
    from: string | RegExp,
    to: string,
    bookingPorts: readonly number[],
    payment: number,
    edited?: 'environment/upstreams.conf',
  ) {
    return startGateway({
      folder: await makeRunFolder('broken-gateway'),
      bookingPorts,
      paymentPorts: [payment],
      edit: (text) => broken(text, from, to),
      ...(edited && { edited }),
    });
  }

  it.each<[string, string | RegExp, string, (gateway: Gateway) => Promise<void>]>([
    [
      'a path that leads to another service',
      'proxy_pass http://payment_api',
      'proxy_pass http://booking_api',
      (gateway) => expectPassedOn(gateway, 'POST', '/api/v1/payment/7/confirm', 'payment-api'),
    ],
    [
      '/metrics that are passed on',
      /(location \/ \{\n +)return 404/,
      '$1proxy_pass http://booking_api',
      (gateway) => expectUnknownPath(gateway, '/metrics'),
    ],
    [
      '/health that is passed on',
      'location /api/v1/seats/ {',
      'location /health/ { proxy_pass http://booking_api; } location /api/v1/seats/ {',
      (gateway) => expectUnknownPath(gateway, '/health/ready'),
    ],
    ['an id that is lost', 'X-Request-ID $passed_request_id', 'X-Request-ID $request_id', expectRequestIds],
    [
      'an id that breaks the JSON of an answer',
      /\[\\x21\\x23-\\x5b\\x5d-\\x7e\]/,
      String.raw`[\x21-\x7e]`,
      expectRequestIds,
    ],
    [
      'addresses that a client made up',
      'X-Forwarded-For $remote_addr',
      'X-Forwarded-For $http_x_forwarded_for',
      expectClientAddress,
    ],
    [
      'a key that is lost',
      'proxy_set_header Forwarded "";',
      'proxy_set_header Forwarded ""; proxy_set_header Idempotency-Key "";',
      expectHeaders,
    ],
    [
      'a token that is lost',
      'proxy_set_header Forwarded "";',
      'proxy_set_header Forwarded ""; proxy_set_header Authorization "";',
      expectHeaders,
    ],
    ['another header with one', 'proxy_set_header Forwarded "";', '', expectClientAddress],
    [
      'connections that are not kept',
      'proxy_set_header Connection "";',
      'proxy_set_header Connection close;',
      expectKeptConnections,
    ],
    ['a WebSocket that is none', 'proxy_set_header Upgrade $http_upgrade;', '', expectWebSocket],
    ['bodies of any size', 'client_max_body_size 32k', 'client_max_body_size 1m', expectBounds],
    ['halls that are refused', 'client_max_body_size 1100k', 'client_max_body_size 900k', expectBounds],
    ["nginx's own page for what is too large", 'error_page 413 = @PAYLOAD_TOO_LARGE;', '', expectBounds],
    ['one language only', /"~\*\^\\s\*id\\b" id;/, '', expectIndonesian],
    ['a flood', 'zone=requests:10m rate=100r/s', 'zone=requests:10m rate=90000r/s', expectBurstCut],
    ["nginx's own page for a flood", 'error_page 429 = @RATE_LIMITED;', '', expectBurstCut],
    ['sockets without a bound', 'limit_conn sockets 200;', '', expectBoundedSockets],
    ["nginx's own page for too many sockets", 'error_page 503 = @OVERLOADED;', '', expectBoundedSockets],
    ['a flood that writes', 'zone=writes:10m rate=30r/s', 'zone=writes:10m rate=90000r/s', expectWritesCut],
  ])('%s', async (_, from, to, probe) => {
    await using booking = await startEchoServer('booking-api');
    await using payment = await startEchoServer('payment-api');
    await using gateway = await startBroken(from, to, [booking.port], payment.port);
    await expect(probe(gateway)).rejects.toThrow(noticed);
  });

  it.each([
    ["nginx's own page for 502", 'error_page 502 504 = @DEPENDENCY_UNAVAILABLE;', ''],
    [
      'a doubt where there is none',
      /(map \$upstream_connect_time [^}]*default )""/,
      `$1',"outcome":"unknown"'`,
    ],
  ])('with nobody behind: %s', async (_, from, to) => {
    await using gateway = await startBroken(from, to, [nowhere], nowhere);
    await expect(expectUnavailable(gateway)).rejects.toThrow(noticed);
  });

  it.each([
    ['an answer without a doubt', /"~\[0-9\]\$" .*;/, '', expectUnknownOutcome],
    ['what writes sent twice', 'error timeout;', 'error timeout non_idempotent;', expectSentOnce],
  ] as const)('with services that hang up: %s', async (_, from, to, probe) => {
    await using first = await startEchoServer('booking-api', 'hang-up');
    await using second = await startEchoServer('booking-api', 'hang-up');
    await using gateway = await startBroken(from, to, [first.port, second.port], nowhere);
    await expect(probe(gateway, [first, second])).rejects.toThrow(noticed);
  });

  it.each([
    ["nginx's own page for too many requests", 'error_page 503 = @OVERLOADED;', '', expectBoundedAddress],
    ['an address without a bound', 'limit_conn connections 400;', '', expectBoundedAddress],
    ['no bound for all together', 'limit_conn in_flight 4000;', '', expectBoundedInAll],
  ] as const)('with one that is silent: %s', async (_, from, to, probe) => {
    await using silent = await startEchoServer('booking-api', 'silence');
    await using gateway = await startBroken(from, to, [silent.port], nowhere);
    await expect(probe(gateway, silent)).rejects.toThrow(noticed);
  });

  it('with one that is gone: nobody else who is asked', async () => {
    await using booking = await startEchoServer('booking-api');
    const [from, to] = ['proxy_next_upstream error timeout', 'proxy_next_upstream off'];
    await using gateway = await startBroken(from, to, [nowhere, booking.port], nowhere);
    await expect(expectPassedOver(gateway)).rejects.toThrow(noticed);
  });

  it('in the list of those behind it: connections that are not kept', async () => {
    await using booking = await startEchoServer('booking-api');
    await using gateway = await startBroken(
      / {4}keepalive 128;\n/,
      '',
      [booking.port],
      nowhere,
      'environment/upstreams.conf',
    );
    await expect(expectKeptConnections(gateway)).rejects.toThrow(noticed);
  });

  it('in the list of those behind it: one that is left out for long', async () => {
    const port = await getPort({ host: '127.0.0.1' });
    await using booking = await startEchoServer('booking-api');
    await using gateway = await startBroken(
      'fail_timeout=2s',
      'fail_timeout=10m',
      [port, booking.port],
      nowhere,
      'environment/upstreams.conf',
    );
    await expect(expectFoundAgain(gateway, port)).rejects.toThrow('who is back is asked');
  });

  it('in the list of those behind it: one that is frozen, and asked in its turn', async () => {
    await using frozen = await startEchoServer('booking-api', 'silence');
    await using booking = await startEchoServer('booking-api');
    await using gateway = await startBroken(
      'least_conn;',
      '',
      [frozen.port, booking.port],
      nowhere,
      'environment/upstreams.conf',
    );
    await expect(expectLeastBusy(gateway, [frozen, booking])).rejects.toThrow(noticed);
  });
});
