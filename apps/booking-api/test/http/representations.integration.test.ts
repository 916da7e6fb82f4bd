import { request as httpRequest } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiOn, openTestApi, type CreatedEvent, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
let created: CreatedEvent;
beforeAll(async () => {
  api = await openTestApi();
  created = await api.createEvent(200);
});
afterAll(() => api[Symbol.asyncDispose]());

/** An answer as it is on the wire; `fetch` would decompress it. */
async function raw(url: string, method: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>(
    (resolve, reject) => {
      httpRequest(url, { method, headers })
        .on('error', reject)
        .on('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks),
            }),
          );
        })
        .end();
    },
  );
}

describe('a seat map', () => {
  const mapUrl = () => `${api.url}/api/v1/events/${created.event.id}/seats`;

  it.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const)(
    'sends the seat map as %s to a client that accepts it, with equal content',
    async (encoding, decompress) => {
      const plain = await raw(mapUrl(), 'GET');
      const packed = await raw(mapUrl(), 'GET', { 'accept-encoding': encoding });
      expect(plain.headers).toMatchObject({ vary: 'accept-encoding', 'cache-control': 'max-age=1' });
      expect(plain.headers).not.toHaveProperty('content-encoding');
      expect(packed.headers).toMatchObject({
        'content-encoding': encoding,
        vary: 'accept-encoding',
        'content-type': 'application/json; charset=utf-8',
        'content-length': String(packed.body.length),
      });
      expect(packed.body.length).toBeLessThan(plain.body.length / 4);
      const [identity, decompressed] = [plain.body, decompress(packed.body)].map(
        (body) => (JSON.parse(body.toString()) as { seats: unknown[] }).seats,
      );
      expect(decompressed).toEqual(identity);
    },
  );

  it('answers 304 to the ETag of the seat map in another encoding', async () => {
    const { headers } = await raw(mapUrl(), 'GET', { 'accept-encoding': 'gzip' });
    const again = await raw(mapUrl(), 'GET', {
      'accept-encoding': 'br',
      'if-none-match': String(headers['etag']),
    });
    expect(again).toMatchObject({ status: 304, headers: { vary: 'accept-encoding', etag: headers['etag'] } });
    expect(again.body).toHaveLength(0);
  });
});

describe('HEAD', () => {
  it.each(['/api/v1/events', '/api/v1/seats/available', '/health/live', '/metrics'])(
    'answers HEAD %s with the headers of GET and no body',
    async (path) => {
      const head = await raw(`${api.url}${path}`, 'HEAD');
      const get = await raw(`${api.url}${path}`, 'GET');
      expect(head.status).toBe(get.status);
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
      expect(head.headers['cache-control']).toBe(get.headers['cache-control']);
      expect(head.body).toHaveLength(0);
    },
  );
});

describe('OPTIONS', () => {
  it.each([
    ['/api/v1/booking', 'GET, HEAD, OPTIONS, POST'],
    ['/api/v1/booking/01a20837-15b2-7536-a505-cef470abcb22', 'DELETE, GET, HEAD, OPTIONS'],
    ['/api/v1/events/x/live', 'GET, OPTIONS'],
    ['/health/live', 'GET, HEAD, OPTIONS'],
  ])('answers OPTIONS %s with its methods: %s', async (path, methods) => {
    const { status, headers, body } = await raw(`${api.url}${path}`, 'OPTIONS');
    expect(status).toBe(204);
    expect(String(headers['allow']).split(', ').toSorted().join(', ')).toBe(methods);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(body).toHaveLength(0);
  });

  it('answers OPTIONS of an unknown path with ROUTE_NOT_FOUND', async () => {
    expect(await api.call('OPTIONS', '/api/v2/booking')).toMatchObject({
      status: 404,
      body: { code: 'ROUTE_NOT_FOUND' },
    });
  });
});

describe('a page of another origin', () => {
  const page = { origin: 'https://tickets.example' };
  const preflight = {
    ...page,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,idempotency-key',
  };
  let open: TestApi;
  beforeAll(async () => {
    open = await openApiOn(api.stack, {}, { allowedOrigins: [page.origin] });
  });
  afterAll(() => open[Symbol.asyncDispose]());

  it('sends a page of another origin no CORS header unless the origin is allowed', async () => {
    for (const [url, headers] of [
      [api.url, page],
      [open.url, { origin: 'https://evil.example' }],
    ] as const) {
      const answer = await raw(`${url}/api/v1/events`, 'GET', headers);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  it('lets a page of an allowed origin read the answer and its headers', async () => {
    const { headers } = await raw(`${open.url}/api/v1/events`, 'GET', page);
    expect(headers).toMatchObject({
      'access-control-allow-origin': page.origin,
      'access-control-expose-headers': 'etag, idempotency-replayed, location, retry-after, x-request-id',
    });
    expect(String(headers['vary']).toLowerCase()).toContain('origin');
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it('answers a preflight of an allowed origin with the methods and headers that it may send', async () => {
    const { status, headers } = await raw(`${open.url}/api/v1/booking`, 'OPTIONS', preflight);
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': page.origin,
      'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
      'access-control-max-age': '600',
    });
    expect(headers['access-control-allow-headers']).toContain('idempotency-key');
  });

  it('lets a page of an allowed origin read refusals', async () => {
    const { status, headers } = await raw(`${open.url}/api/v1/events/x`, 'GET', page);
    expect(status).toBe(400);
    expect(headers['access-control-allow-origin']).toBe(page.origin);
    expect(String(headers['vary']).toLowerCase().split(/,\s*/).toSorted()).toEqual([
      'accept-language',
      'origin',
    ]);
  });
});

describe('/docs', () => {
  it('serves /docs as a page that loads nothing from another host', async () => {
    const { status, headers, body } = await raw(`${api.url}/docs`, 'GET');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    const links = [...body.toString().matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) {
      expect(link).toMatch(/^\.?\//);
      expect((await raw(new URL(link, `${api.url}/docs`).href, 'GET')).status).toBe(200);
    }
  });

  it('serves /docs and /docs/json, an OpenAPI 3.1 document, without a token when authentication is on', async () => {
    await using closed = await openApiOn(
      api.stack,
      {},
      { authentication: { kind: 'secret', secret: 'x'.repeat(32), issuer: undefined, audience: undefined } },
    );
    expect((await raw(`${closed.url}/docs`, 'GET')).status).toBe(200);
    const { status, body } = await raw(`${closed.url}/docs/json`, 'GET');
    expect(status).toBe(200);
    expect(JSON.parse(body.toString())).toMatchObject({ openapi: '3.1.0' });
  });
});
