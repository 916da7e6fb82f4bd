import { collectDefaultMetrics, type Registry } from 'prom-client';
import { namedPlugin } from './http-service.ts';

const metricsAnswer = {
  description: 'Prometheus text.',
  content: { 'text/plain': { schema: { type: 'string' }, example: 'tickets_sold_total 1\n' } },
};

/** Adds `GET /metrics` (Prometheus text), with the metrics of the process and its event-loop lag. */
export const metrics = namedPlugin<{ readonly registry: Registry }>(
  { name: 'metrics', after: ['request-context', 'cors'] },
  (app, { registry }) => {
    collectDefaultMetrics({ register: registry });
    const schema = { summary: 'What the process measures', response: { 200: metricsAnswer } };
    app.get('/metrics', { schema, config: { access: 'public' } }, async (_request, reply) => {
      reply.header('cache-control', 'no-store').type(registry.contentType);
      return registry.metrics();
    });
  },
);
