import { expect, test } from 'vitest';
import { buildService } from './fixtures/build-service.ts';

const build = () =>
  buildService((app) => {
    app.get('/seats/:seatId', () => ({ fine: true }));
    app.register(
      (scope, _options, done) => {
        scope.get('/inner/:id', () => ({ fine: true }));
        done();
      },
      { prefix: '/api/v1' },
    );
  });

test('measures each request under method, route template and status', async () => {
  const { app, registry } = build();
  await app.inject('/seats/1');
  await app.inject('/seats/2');
  await app.inject('/seats/2?x=1');
  await app.inject('/api/v1/inner/3');
  await app.inject('/nope');
  const text = await registry.metrics();
  expect(text).toContain(
    'http_request_duration_seconds_count{method="GET",route="/seats/:seatId",status="200"} 2',
  );
  expect(text).toContain(
    'http_request_duration_seconds_count{method="GET",route="/seats/:seatId",status="400"} 1',
  );
  expect(text).toContain(
    'http_request_duration_seconds_count{method="GET",route="/api/v1/inner/:id",status="200"} 1',
  );
  expect(text).toContain(
    'http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 1',
  );
});

test('no invented path, method or id adds a series', async () => {
  const { app, registry } = build();
  const series = async () => {
    const labels = /_count\{method="(.+)",route="(.+)",status="(.+)"\}/g;
    const found = (await registry.metrics()).matchAll(labels);
    return new Set([...found].map(([, method, route, status]) => `${method} ${route} ${status}`));
  };
  for (let index = 0; index < 30; index += 1) {
    await app.inject(`/invented-${index}`);
    await app.inject(`/seats/${index}`);
    await app.inject(`/%z${index}`);
  }
  for (const method of ['PROPFIND', 'MKCOL', 'LOCK', 'SEARCH', 'PURGE', 'TRACE']) {
    await app.inject({ method: method as 'GET', url: '/seats/1' });
  }
  expect(await series()).toEqual(
    new Set(['GET unmatched 404', 'GET /seats/:seatId 200', 'GET unmatched 400', 'other unmatched 404']),
  );
});

test('GET /metrics is Prometheus text with the process and its event-loop lag', async () => {
  const { app } = build();
  const answer = await app.inject('/metrics');
  expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(answer.body).toMatch(/^nodejs_eventloop_lag_seconds /m);
  expect(answer.body).toMatch(/^process_cpu_seconds_total /m);
});

test('two services in one process keep their metrics apart', async () => {
  const first = build();
  const second = build();
  await first.app.inject('/seats/1');
  expect(await second.registry.metrics()).not.toContain('/seats/:seatId');
});
