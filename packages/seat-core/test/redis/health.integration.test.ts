import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRecordingLogger } from '../fixtures/recording-logger.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

it('a Redis that does not answer leaves the decision to PostgreSQL, and is counted and logged once', async () => {
  const { seatIds } = await engine.makeEvent(2);
  const gone = engine.redis.duplicate({ port: 1, retryStrategy: () => null });
  gone.on('error', () => undefined);
  const { logger, lines } = createRecordingLogger();
  const registry = new Registry();
  const core = engine.withSettings({ redis: gone, logger, registry });
  expect((await core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' })).status).toBe('PENDING');
  expect(await refusal(core.holdSeats({ seatIds, userId: 'budi' }))).toEqual({
    code: 'SEAT_TAKEN',
    details: { seatIds: [seatIds[0]] },
  });
  await core.close();
  // One outage, one line, for any number of requests.
  expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
    {
      message: 'circuit opened: work is refused at once until a probe succeeds',
      fields: { dependency: 'redis' },
    },
  ]);
  expect(await registry.metrics()).toMatch(/^booking_effects_failed_total [1-9]/m);
  expect(await registry.metrics()).toContain('redis_circuit_open{part="redis"} 1');
  gone.disconnect();
});
