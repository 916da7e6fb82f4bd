import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { UnsentBytes } from './send-pacing.ts';

export type LiveMetrics = ReturnType<typeof createLiveMetrics>;

export function createLiveMetrics(registry: Registry, unsent: UnsentBytes) {
  const registers = [registry];
  new Gauge({
    name: 'live_unsent_bytes',
    help: 'Bytes of changes that lie unsent for all live connections together.',
    registers,
    collect() {
      this.set(unsent.total);
    },
  });
  return {
    sockets: new Gauge({
      name: 'live_sockets',
      help: 'Connections that follow the seats of an event.',
      registers,
    }),
    dropped: new Counter({
      name: 'live_sockets_dropped_total',
      help: 'Connections that were dropped: slow, because they did not read; silent, because they gave no sign of life; noisy, because they sent too much; broken, because sending failed; memory, because no memory was left for their snapshot.',
      labelNames: ['reason'] as const,
      registers,
    }),
    updateDuration: new Histogram({
      name: 'live_update_duration_seconds',
      help: 'How long it took to hand the changes of one event to all connections of this process.',
      buckets: [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
      registers,
    }),
  };
}
