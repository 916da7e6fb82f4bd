import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export type SeatCoreMetrics = ReturnType<typeof createMetrics>;

/** The engine's own measurements; none has a label that takes an id. */
export function createMetrics(registry: Registry = new Registry()) {
  const registers = [registry];
  return {
    ticketsSold: new Counter({
      name: 'tickets_sold_total',
      help: 'Seats sold by confirmations of this process. The exact number is the table’s.',
      registers,
    }),
    bookings: new Counter({
      name: 'bookings_total',
      help: 'Attempts to hold seats, by outcome.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    bookingsExpired: new Counter({
      name: 'bookings_expired_total',
      help: 'Holds that ended at their deadline, by what ended them.',
      labelNames: ['by'] as const,
      registers,
    }),
    expiryLag: new Histogram({
      name: 'expiry_lag_seconds',
      help: 'How long after its deadline a hold was ended.',
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60],
      registers,
    }),
    seatLocks: new Counter({
      name: 'seat_lock_acquisitions_total',
      help: 'Attempts to lock the seats of a request.',
      labelNames: ['result'] as const,
      registers,
    }),
    seatStatusCache: new Counter({
      name: 'seat_status_cache_total',
      help: 'Look-ups of status:seat keys.',
      labelNames: ['result'] as const,
      registers,
    }),
    availableSeatsCache: new Counter({
      name: 'available_seats_cache_total',
      help: 'Reads of the list of available seats.',
      labelNames: ['result'] as const,
      registers,
    }),
    commitBatchSize: new Histogram({
      name: 'booking_commit_batch_size',
      help: 'Requests that shared a commit.',
      buckets: [1, 2, 4, 8, 16, 32, 64],
      registers,
    }),
    cacheRepairs: new Counter({
      name: 'seat_status_cache_repairs_total',
      help: 'status:seat keys that differed from the table and were mended.',
      registers,
    }),
    seatChangesMissed: new Counter({
      name: 'seat_changes_missed_total',
      help: 'Changes of watched seats whose message was lost, found by comparing with the table.',
      registers,
    }),
    replicaReads: new Counter({
      name: 'replica_reads_total',
      help: 'Reads that may go to the replica, by where they went. Only with a replica.',
      labelNames: ['from'] as const,
      registers,
    }),
    replicaLag: new Gauge({
      name: 'replica_lag_seconds',
      help: 'How old the newest moment is of which the replica was seen to have everything. Only with a replica.',
      registers,
    }),
    effectsFailed: new Counter({
      name: 'booking_effects_failed_total',
      help: 'Commits whose effects on Redis failed or were late; sweep and repair make up for them.',
      registers,
    }),
    redisCircuitOpen: new Gauge({
      name: 'redis_circuit_open',
      help: '1 while requests go on without this Redis, 0 while they use it.',
      labelNames: ['part'] as const,
      registers,
    }),
    redisClockOffset: new Gauge({
      name: 'redis_clock_offset_seconds',
      help: 'The clock of Redis minus the clock of PostgreSQL.',
      registers,
    }),
  };
}

/** Shows the connections of a pool: in use, idle, and callers waiting for one. */
export function exportPoolConnections(
  registry: Registry,
  pool: { totalCount: number; idleCount: number; waitingCount: number },
): void {
  new Gauge({
    name: 'pg_pool_connections',
    help: 'Connections of this process to PostgreSQL, and callers waiting for one.',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      this.set({ state: 'active' }, pool.totalCount - pool.idleCount);
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'waiting' }, pool.waitingCount);
    },
  });
}
