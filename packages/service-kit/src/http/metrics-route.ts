import { collectDefaultMetrics, type Registry } from 'prom-client';
import type { HttpService } from './http-service.ts';

/** Adds `GET /metrics` (Prometheus text), with the process's own metrics and its event-loop lag. */
export function addMetricsRoute(app: HttpService, registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  app.get('/metrics', { config: { access: 'public' } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store').type(registry.contentType);
    return registry.metrics();
  });
}
