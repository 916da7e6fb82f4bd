import {
  acceptedLanguages,
  claimsOf,
  createTestStack,
  expectProblem,
  servicePorts,
  signToken,
  startService,
  type RunningService,
  type TestStack,
} from '@ticketing/testkit';
import getPort from 'get-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gateway } from '../src/start-gateway.ts';
import { ask, startInFrontOf } from './gateway-probes.ts';

const secret = 'correct horse battery staple, 2026';

let stack: TestStack;
let gateway: Gateway;
const services: RunningService[] = [];

beforeAll(async () => {
  stack = await createTestStack();
  const ports = [await getPort({ host: '127.0.0.1' }), await getPort({ host: '127.0.0.1' })] as const;
  for (const [index, name] of (['booking-api', 'payment-api'] as const).entries()) {
    const settings = {
      [servicePorts[name].variable]: String(ports[index]),
      DATABASE_URL: stack.serviceUrl,
      REDIS_URL: stack.redisUrl,
      TRUSTED_PROXIES: '127.0.0.1',
      JWT_SECRET: secret,
    };
    services.push(await startService(name, settings));
  }
  gateway = await startInFrontOf([ports[0]], [ports[1]]);
}, 180_000);
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const service of services) await service[Symbol.asyncDispose]();
  await stack.dispose();
});

const eventId = '01a20837-15b2-7536-a505-cef470abcb22';
const bookings = `/api/v1/booking?eventId=${eventId}`;

/** Headers with a valid token of about this many bytes. */
function tokenOf(bytes: number): { authorization: string } {
  // Base64 makes four characters of three.
  const groups = 'g'.repeat(Math.floor((bytes - 300) * 0.75));
  const token = signToken({ ...claimsOf('ani'), groups }, { key: secret });
  return { authorization: `Bearer ${token}` };
}

describe('through the gateway to the services', () => {
  it('a token of 12 KiB is taken, and one of 15.5 KiB', async () => {
    for (const bytes of [12 * 1024, 15_800]) {
      const headers = tokenOf(bytes);
      expect(headers.authorization.length).toBeGreaterThan(bytes - 200);
      expect(await ask(`${gateway.url}${bookings}`, { headers })).toMatchObject({
        status: 200,
        body: { bookings: [] },
      });
    }
  });

  it('headers over 16 KiB are answered 431, whether one line is too long or all lines together', async () => {
    const oneLine = tokenOf(17 * 1024);
    const together = { ...tokenOf(9 * 1024), 'x-groups': 'g'.repeat(9 * 1024) };
    for (const headers of [oneLine, together]) {
      expectProblem(await ask(`${gateway.url}${bookings}`, { headers }), {
        status: 431,
        code: 'VALIDATION_FAILED',
        errors: [{ pointer: '', detail: 'the request line and headers must have at most 16 KiB' }],
      });
    }
  });

  it('a query parameter that a route does not know is refused', async () => {
    expectProblem(await ask(`${gateway.url}/api/v1/seats/available?eventid=${eventId}`), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/eventid', detail: 'the query parameter is not known' }],
    });
  });

  it('a service answers in the language in which the gateway answers', async () => {
    for (const [header, language] of acceptedLanguages) {
      const headers = { 'accept-language': header };
      for (const path of ['/nowhere', `/api/v1/events/${eventId}`]) {
        const answer = await ask(`${gateway.url}${path}`, { headers });
        expect([path, header, answer.headers.get('content-language')]).toEqual([path, header, language]);
      }
    }
  });
});
