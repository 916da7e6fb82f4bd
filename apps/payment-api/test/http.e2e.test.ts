import { createTestStack, startService, type RunningService, type TestStack } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const page = 'https://tickets.example';
const confirmation = '/api/v1/payment/01a20837-15b2-7536-a505-cef470abcb22/confirm';

let stack: TestStack;
let service: RunningService;
beforeAll(async () => {
  stack = await createTestStack();
  service = await startService('payment-api', {
    DATABASE_URL: stack.serviceUrl,
    REDIS_URL: stack.redisUrl,
    JWT_SECRET: 'x'.repeat(32),
    ALLOWED_ORIGINS: `https://other.example, ${page}`,
  });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await stack.dispose();
});

const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
  fetch(`${service.url}${path}`, { method, headers });

describe('/docs of payment-api', () => {
  it('/docs is a public page that loads nothing from another host', async () => {
    const answer = await ask('GET', '/docs');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'self'");
    const links = [...(await answer.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) {
      expect(link).toMatch(/^\.?\//);
      expect((await fetch(new URL(link, `${service.url}/docs`))).status).toBe(200);
    }
  });

  it('/docs/json is the OpenAPI 3.1 document of the confirm route', async () => {
    const answer = await ask('GET', '/docs/json');
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      openapi: '3.1.0',
      paths: { '/api/v1/payment/{bookingId}/confirm': { post: {} } },
    });
  });
});

describe('a method of payment-api', () => {
  it.each(['/health/live', '/metrics', '/docs/json'])('HEAD of %s has the headers of GET', async (path) => {
    const [head, get] = [await ask('HEAD', path), await ask('GET', path)];
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    for (const name of ['content-type', 'cache-control'])
      expect(head.headers.get(name)).toBe(get.headers.get(name));
  });

  it.each([
    [confirmation, 'OPTIONS, POST'],
    ['/health/live', 'GET, HEAD, OPTIONS'],
  ])('OPTIONS of %s allows %s', async (path, methods) => {
    const answer = await ask('OPTIONS', path);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('allow')?.split(', ').toSorted().join(', ')).toBe(methods);
    expect(answer.headers.has('access-control-allow-origin')).toBe(false);
  });

  it('OPTIONS of a path that does not exist is ROUTE_NOT_FOUND, also for a page', async () => {
    for (const headers of [{}, { origin: page, 'access-control-request-method': 'POST' }]) {
      const answer = await ask('OPTIONS', '/api/v2/payment', headers);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
    }
  });

  it.each(['GET', 'HEAD', 'DELETE'])('%s of the confirm route is ROUTE_NOT_FOUND', async (method) => {
    const answer = await ask(method, confirmation);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });
});

describe('a page of another origin', () => {
  it('a page of ALLOWED_ORIGINS gets a preflight that allows a confirm', async () => {
    const answer = await ask('OPTIONS', confirmation, {
      origin: page,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,idempotency-key',
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(page);
    expect(answer.headers.get('allow')).toBe('OPTIONS, POST');
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
    expect(answer.headers.get('access-control-max-age')).toBe('600');
    expect(answer.headers.get('access-control-allow-headers')).toContain('idempotency-key');
  });

  it('a page of ALLOWED_ORIGINS can read problems', async () => {
    const answer = await ask('POST', confirmation, { origin: page });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('access-control-allow-origin')).toBe(page);
    expect(answer.headers.get('access-control-expose-headers')).toContain('retry-after');
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
  });

  it('a page of another origin may not read the answer', async () => {
    const answer = await ask('POST', confirmation, { origin: 'https://evil.example' });
    expect(answer.headers.has('access-control-allow-origin')).toBe(false);
  });
});
