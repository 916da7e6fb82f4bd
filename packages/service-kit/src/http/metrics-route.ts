import { collectDefaultMetrics, type Registry } from 'prom-client';
import { metricsAnswer } from './health-answers.ts';
import type { HttpService } from './http-service.ts';

/** Adds `GET /metrics` (Prometheus text), with the process's own metrics and its event-loop lag. */
export function addMetricsRoute(app: HttpService, registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  const schema = { summary: 'What the process measures', response: { 200: metricsAnswer } };
  app.get('/metrics', { schema, config: { access: 'public' } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store').type(registry.contentType);
    return registry.metrics();
  });
}
