import getPort from 'get-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEchoServer, type EchoServer } from '../src/echo-server.ts';
import { checkGatewayConfig, startGateway, type Gateway } from '../src/start-gateway.ts';
import { expectBoundedAddress, expectBoundedInAll, expectBoundedSockets } from './gateway-limit-probes.ts';
import {
  ask,
  expectBounds,
  expectBurstCut,
  expectClientAddress,
  expectFoundAgain,
  expectHeaders,
  expectIndonesian,
  expectKeptConnections,
  expectLeastBusy,
  expectPassedOn,
  expectRequestIds,
  expectSentOnce,
  expectUnavailable,
  expectUnknownOutcome,
  expectUnknownPath,
  expectWebSocket,
  expectWritesCut,
} from './gateway-probes.ts';
import { makeRunFolder } from './run-folder.ts';

let booking: EchoServer;
let payment: EchoServer;
let gateway: Gateway;

beforeAll(async () => {
  [booking, payment] = await Promise.all([startEchoServer('booking-api'), startEchoServer('payment-api')]);
  gateway = await startInFrontOf([booking.port], [payment.port]);
}, 180_000);
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await booking[Symbol.asyncDispose]();
  await payment[Symbol.asyncDispose]();
});

async function startInFrontOf(bookingPorts: readonly number[], paymentPorts: readonly number[]) {
  return startGateway({ folder: await makeRunFolder('gateway'), bookingPorts, paymentPorts });
}

describe('the configuration', () => {
  it('is one that nginx takes, as it stands for docker-compose', async () => {
    const options = {
      folder: await makeRunFolder('nginx-t'),
      bookingPorts: [3001, 3011],
      paymentPorts: [3002],
    };
    expect(await checkGatewayConfig(options)).toMatchObject({ code: 0 });
  });
});

describe('the gateway', () => {
  it.each([
    ['POST', '/api/v1/booking', 'booking-api'],
    ['GET', '/api/v1/booking?eventId=x&userId=y', 'booking-api'],
    ['DELETE', '/api/v1/booking/01a20837-15b2-7536-a505-cef470abcb22', 'booking-api'],
    ['GET', '/api/v1/seats/available?limit=3', 'booking-api'],
    ['GET', '/api/v1/events', 'booking-api'],
    ['POST', '/api/v1/events', 'booking-api'],
    ['GET', '/api/v1/events/01a20837-15b2-7536-a505-cef470abcb22/seats', 'booking-api'],
    ['POST', '/api/v1/payment/01a20837-15b2-7536-a505-cef470abcb22/confirm', 'payment-api'],
  ])('passes %s %s on, as it came, to %s', (method, path, service) =>
    expectPassedOn(gateway, method, path, service),
  );

  it.each([
    '/metrics',
    '/health/ready',
    '/health/live',
    '/',
    '/status',
    '/api/v1/../../metrics',
    '//metrics',
    '/%6detrics',
    '/api/v1/booking/..%2f..%2f..%2fmetrics',
    '/metrics/../metrics',
    '/api/v2/booking',
  ])('does not know %s', (path) => expectUnknownPath(gateway, path));

  it('has a health of its own, for those inside only', async () => {
    expect((await ask(`${gateway.insideUrl}/health/live`)).body).toEqual({ status: 'live' });
    expect(await (await fetch(`${gateway.insideUrl}/status`)).text()).toMatch(/^Active connections: \d+/);
  });

  it('keeps a request id that the services would keep, and makes one otherwise', () =>
    expectRequestIds(gateway));

  it('passes on who asks, for what, and under which key', () => expectHeaders(gateway));

  it('tells the services the address of the client, and nothing that the client made up', () =>
    expectClientAddress(gateway));

  it('asks the services on connections that it keeps', () => expectKeptConnections(gateway));

  it('passes a WebSocket through, both ways', () => expectWebSocket(gateway));

  it('answers what is too large, or no HTTP, as the services do', () => expectBounds(gateway));

  it('speaks Indonesian to those who ask for it first', () => expectIndonesian(gateway));
});

describe('a burst', () => {
  it('of requests from one address is cut, with 429; others are served', () => expectBurstCut(gateway));

  it('of requests that write is cut sooner', () => expectWritesCut(gateway));
});

describe('what is open at once', () => {
  it.each([
    ['of one address', expectBoundedAddress],
    ['in all', expectBoundedInAll],
  ])('is bounded %s: beyond it is 503, at once and retryable', async (_, expectBounded) => {
    await using silent = await startEchoServer('booking-api', 'silence');
    await using behind = await startInFrontOf([silent.port], [payment.port]);
    await expectBounded(behind, silent);
  });

  it('is bounded for the sockets of one address, apart from its requests', () =>
    expectBoundedSockets(gateway));
});

describe('a service', () => {
  it('that is not there is told as unavailable, retryable, without a doubt about the outcome', async () => {
    await using alone = await startInFrontOf([1], [1]);
    await expectUnavailable(alone);
  });

  it.each(['silence', 'hang-up'] as const)(
    'that answers with %s may have done it: the outcome is unknown',
    async (manner) => {
      await using service = await startEchoServer('booking-api', manner);
      await using behind = await startInFrontOf([service.port], [service.port]);
      await expectUnknownOutcome(behind);
    },
  );

  it('that hangs up was sent what writes, and nobody else is; what reads is asked again', async () => {
    await using first = await startEchoServer('booking-api', 'hang-up');
    await using second = await startEchoServer('booking-api', 'hang-up');
    await using behind = await startInFrontOf([first.port, second.port], [payment.port]);
    await expectSentOnce(behind, [first, second]);
  });

  it('that is gone is passed over for the next one, and asked again when it is back', async () => {
    const port = await getPort({ host: '127.0.0.1' });
    await using behind = await startInFrontOf([port, booking.port], [payment.port]);
    await expectFoundAgain(behind, port);
  });

  it('that is frozen is sent no more while another has fewer requests open', async () => {
    await using frozen = await startEchoServer('booking-api', 'silence');
    await using behind = await startInFrontOf([frozen.port, booking.port], [payment.port]);
    await expectLeastBusy(behind, [frozen, booking]);
  });
});
