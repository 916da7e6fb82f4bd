import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export type SeatCoreMetrics = ReturnType<typeof createMetrics>;

/** The engine's own metrics. No label takes an id. Without a registry they are counted and shown nowhere. */
export function createMetrics(registry: Registry = new Registry()) {
  const registers = [registry];
  return {
    ticketsSold: new Counter({
      name: 'tickets_sold_total',
      help: 'Seats sold by confirmations of this process. The exact number is in the table.',
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
      help: 'Holds that ended at their deadline, by job, sweep or reclaim.',
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
      help: 'status:seat keys that differed from the table and were corrected.',
      registers,
    }),
    seatChangesMissed: new Counter({
      name: 'seat_changes_missed_total',
      help: 'Seat changes whose message was lost, found by comparing a live feed with the table.',
      registers,
    }),
    replicaReads: new Counter({
      name: 'replica_reads_total',
      help: 'Reads of lists and maps, by the server they went to. Only with a replica.',
      labelNames: ['from'] as const,
      registers,
    }),
    replicaLag: new Gauge({
      name: 'replica_lag_seconds',
      help: 'Seconds since the replica was last seen to have replayed everything. Only with a replica.',
      registers,
    }),
    effectsFailed: new Counter({
      name: 'booking_effects_failed_total',
      help: 'Commits that could not be published to Redis in full; sweep and cache repair recover from it.',
      registers,
    }),
    redisCircuitOpen: redisCircuitGauge(registry),
    commitsWait: new Gauge({
      name: 'pg_commits_wait',
      help: '1 while sales are refused because commits wait for a synchronous standby, else 0.',
      registers,
    }),
    redisClockOffset: new Gauge({
      name: 'redis_clock_offset_seconds',
      help: 'The clock of Redis minus the clock of PostgreSQL.',
      registers,
    }),
  };
}

/** Exports the connections of a pool: active, idle, and callers of all lanes that wait for one. */
export function exportPoolConnections(
  registry: Registry,
  pool: { totalCount: number; idleCount: number },
  lanes: Readonly<Record<'sales' | 'reads' | 'creating', { waiting: number }>>,
): void {
  new Gauge({
    name: 'pg_lane_waiting',
    help: 'Callers that wait for a connection, by the lane whose share of the pool is lent.',
    labelNames: ['lane'] as const,
    registers: [registry],
    collect() {
      for (const lane of ['sales', 'reads', 'creating'] as const) this.set({ lane }, lanes[lane].waiting);
    },
  });
  new Gauge({
    name: 'pg_pool_connections',
    help: 'Connections of this process to PostgreSQL, and callers that wait for one.',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      this.set({ state: 'active' }, pool.totalCount - pool.idleCount);
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'waiting' }, lanes.sales.waiting + lanes.reads.waiting + lanes.creating.waiting);
    },
  });
}

/** Exports how much of its budget for seats a process uses. */
export function exportBytesOfSeats(registry: Registry, memory: { bytes: number }): void {
  new Gauge({
    name: 'seats_in_memory_bytes',
    help: 'Estimated bytes of the maps, rendered maps and live feeds that this process keeps.',
    registers: [registry],
    collect() {
      this.set(memory.bytes);
    },
  });
}

/** Both the engine and the worker set it; a registry takes one metric of a name. */
export function redisCircuitGauge(registry: Registry): Gauge<'part'> {
  const name = 'redis_circuit_open';
  const existing = registry.getSingleMetric(name) as Gauge<'part'> | undefined;
  return (
    existing ??
    new Gauge({
      name,
      help: '1 while the circuit of this Redis is open and requests go on without it, else 0.',
      labelNames: ['part'] as const,
      registers: [registry],
    })
  );
}
