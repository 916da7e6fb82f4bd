import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { claimsOf, expectProblem, signToken } from '@ticketing/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { openTestPayments } from './fixtures/test-payments.ts';

it('payment-api is degraded, and answers tokens with 503, while JWKS_URL is a discovery document', async () => {
  const document = JSON.stringify({ issuer: 'https://id.test', jwks_uri: 'https://id.test/certs' });
  const server = createServer((_request, response) => response.end(document)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/.well-known/openid-configuration`;
  const payments = await openTestPayments({ kind: 'jwks', url });
  onTestFinished(() => payments[Symbol.asyncDispose]());

  const authorization = `Bearer ${signToken(claimsOf('shop', 'payments'), { key: 'a secret', header: { alg: 'RS256' } })}`;
  const answer = await payments.confirm(randomUUID(), undefined, { authorization });
  expectProblem(answer, { status: 503, code: 'DEPENDENCY_UNAVAILABLE', retryable: true });
  expect(answer.headers.get('retry-after')).toBe('1');

  const ready = await fetch(`${payments.url}/health/ready`);
  expect([ready.status, await ready.json()]).toEqual([
    200,
    {
      status: 'degraded',
      parts: [
        {
          name: 'identity provider',
          status: 'down',
          detail:
            'No keys could be read: JWKS_URL is an OpenID discovery document; set it to its jwks_uri. Requests with a token are answered 503.',
        },
      ],
    },
  ]);
  expect(await (await fetch(`${payments.url}/metrics`)).text()).toContain(
    'tokens_refused_total{reason="keys_unavailable"} 1',
  );
});
